"""Lays out an installed dialer: `make install` into a machine, `make deb` into a package.

    .venv/bin/python tools/install_tree.py --destdir /tmp/x --prefix /usr

The environment under PREFIX/lib/dialer is copied from the one that runs this, file by file as
each package's RECORD lists it and with its hash compared: it was installed from
requirements.lock with hashes, so nothing needs a network here. Only what the daemon needs in
service is taken, neither tests nor the demo's servers. Configuration that is there stays.
"""

from __future__ import annotations

import argparse
import base64
import compileall
import hashlib
import os
import re
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, PackagePath, distribution
from pathlib import Path, PurePath
from py_compile import PycInvalidationMode

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
MINOR = f"python{sys.version_info.major}.{sys.version_info.minor}"
#: Tests of our dependencies: a third of their size, and never imported.
LEFT_OUT = frozenset({"tests", "__pycache__"})

LAUNCHER = """\
#!/bin/sh
# The dialer, wherever this tree stands. DIALER_CONFIG names another configuration.
top=$(dirname "$(dirname "$(readlink -f "$0")")")
: "${DIALER_CONFIG:=@etc@/dialer/dialer.yaml}"
export DIALER_CONFIG
exec "$top/lib/dialer/bin/python" -m dialer "$@"
"""


def main() -> None:
    words = arguments()
    top = Path(f"{words.destdir}{words.prefix}")
    etc = Path(f"{words.destdir}{words.sysconfdir}") / "dialer"
    if not words.no_environment:
        environment(top / "lib" / "dialer", words.python, compiled=not words.no_compile)
    launcher(top / "bin" / "dialer", words.sysconfdir)
    units(top / "lib", words.prefix, words.sysconfdir)
    documents(top / "share" / "doc" / "dialer")
    configuration(etc)
    sys.stderr.write(f"installed under {top}, configuration in {etc}\n")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--destdir", default="", help="a folder that stands for /")
    parser.add_argument("--prefix", default="/usr/local")
    parser.add_argument("--sysconfdir", default="/etc")
    parser.add_argument("--python", default=str(Path(sys._base_executable).resolve()))
    parser.add_argument("--no-compile", action="store_true", help="quicker, slower to start")
    parser.add_argument("--no-environment", action="store_true", help="all but the program")
    return parser.parse_args()


# ------------------------------------------------------------------ the environment


def environment(home: Path, python: str, *, compiled: bool) -> None:
    """A virtual environment that may be moved: nothing in it names its own place."""
    shutil.rmtree(home, ignore_errors=True)
    packages = home / "lib" / MINOR / "site-packages"
    packages.mkdir(parents=True)
    (home / "bin").mkdir()
    (home / "bin" / "python").symlink_to(python)
    folder = Path(python).parent
    config = f"home = {folder}\ninclude-system-site-packages = false\n"
    (home / "pyvenv.cfg").write_text(config, encoding="utf-8")
    for package in sorted(closure(), key=lambda one: one.name):
        copy(package, packages)
    shutil.copytree(
        ROOT / "dialer", packages / "dialer", ignore=shutil.ignore_patterns("__pycache__")
    )
    if compiled:
        compileall.compile_dir(
            packages,
            quiet=1,
            stripdir=str(packages),
            invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
        )


def closure() -> Iterator[Distribution]:
    """The packages that pyproject.toml names without an extra, and what these need."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    waiting = [Requirement(line) for line in project["dependencies"]]
    seen: set[tuple[str, str]] = set()
    given: set[str] = set()
    while waiting:
        wanted = waiting.pop()
        package = distribution(wanted.name)
        for extra in ("", *sorted(wanted.extras)):
            if (wanted.name, extra) in seen:
                continue
            seen.add((wanted.name, extra))
            waiting += [
                need
                for need in map(Requirement, package.requires or ())
                if need.marker is None or need.marker.evaluate({"extra": extra})
            ]
        if package.name not in given:
            given.add(package.name)
            yield package


def copy(package: Distribution, target: Path) -> None:
    for file in files_of(package):
        if ".." in file.parts or LEFT_OUT & set(file.parts):
            continue
        source = Path(str(package.locate_file(file)))
        if isinstance(file, PackagePath):
            compare(file, source)
        place = target / file
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, place)


def files_of(package: Distribution) -> Iterator[PurePath]:
    """Relative to site-packages.

    pip without `wheel` (Debian's own) writes no RECORD for what it builds, but
    installed-files.txt, seen from the folder in which that stands.
    """
    listed = package.read_text("installed-files.txt")
    if listed is None or package.read_text("RECORD") is not None:
        yield from package.files or ()
        return
    packages = Path(str(package.locate_file("")))
    [home] = packages.glob(f"{package.name.replace('-', '_')}-{package.version}*.egg-info")
    for line in listed.splitlines():
        yield Path(os.path.normpath(home / line)).relative_to(packages)


def compare(file: PackagePath, source: Path) -> None:
    """Stops where .venv is not what was installed from the lock."""
    if file.hash is None or file.hash.mode != "sha256":
        return
    digest = hashlib.sha256(source.read_bytes()).digest()
    if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != file.hash.value:
        sys.exit(f"{source} was changed after its installation: make clean, then again")


# ------------------------------------------------------------------ everything else


def launcher(place: Path, etc: str) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(LAUNCHER.replace("@etc@", etc), encoding="utf-8")
    place.chmod(0o755)


def units(lib: Path, prefix: str, etc: str) -> None:
    """systemd looks into lib/ of both /usr and /usr/local."""
    places = {
        "dialer.service": "systemd/system/dialer.service",
        "dialer@.service": "systemd/system/dialer@.service",
        "dialer.sysusers": "sysusers.d/dialer.conf",
        "dialer.tmpfiles": "tmpfiles.d/dialer.conf",
    }
    for name, where in places.items():
        text = (ROOT / "systemd" / name).read_text(encoding="utf-8")
        text = text.replace("/usr/bin/dialer", f"{prefix}/bin/dialer")
        text = text.replace("/usr/share/", f"{prefix}/share/")
        text = re.sub(r"/etc/dialer", f"{etc}/dialer", text)
        place = lib / where
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")


def documents(place: Path) -> None:
    """What a person reads at night on the machine itself, and what there is to copy."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    for file in [*(ROOT / "docs").glob("*.md"), ROOT / "README.md", ROOT / "CHANGELOG.md"]:
        shutil.copyfile(file, place / file.name)
    examples = place / "examples"
    ignore = shutil.ignore_patterns("__pycache__", "tests", ".env")
    for folder in ("campaigns", "config", "deploy"):
        shutil.copytree(ROOT / folder, examples / folder, ignore=ignore)


def configuration(etc: Path) -> None:
    """Files to begin with; a file that is there already stays as it is."""
    text = (ROOT / "config" / "dialer.yaml").read_text(encoding="utf-8")
    text = installed(text)
    for name, content in (
        ("dialer.yaml", text),
        ("tags.yaml", (ROOT / "config" / "tags.yaml").read_text(encoding="utf-8")),
        ("campaigns/spring.yaml", (ROOT / "campaigns" / "spring.yaml").read_text("utf-8")),
    ):
        place = etc / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.exists():
            place.write_text(content, encoding="utf-8")
    (etc / "secrets").mkdir(exist_ok=True)


def installed(text: str) -> str:
    """config/dialer.yaml as it begins on a machine: secrets in files, PostgreSQL by its socket.

    Stops where a line that is changed here is no longer in the file.
    """
    for before, after in (
        (
            "  # password_file: /etc/dialer/switch.password",
            "  password_file: secrets/switch.password",
        ),
        (
            "  dsn: host=127.0.0.1 dbname=dialer user=dialer ",
            "  dsn: host=/run/postgresql dbname=dialer user=dialer ",
        ),
        ("campaigns: ../campaigns ", "campaigns: campaigns "),
    ):
        if before not in text:
            sys.exit(f"config/dialer.yaml no longer holds {before!r}, which is changed here")
        text = text.replace(before, after)
    return text


if __name__ == "__main__":
    main()
