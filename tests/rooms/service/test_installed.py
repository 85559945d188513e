"""`make install` and what a package runs: the tree stands by itself, wherever it is put.

Losing these, a package installs and then lacks a module, or an upgrade takes somebody's
configuration away.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
TOOL = ROOT / "tools" / "install_tree.py"


def install(folder: Path, *words: str) -> None:
    subprocess.run(
        [sys.executable, str(TOOL), "--destdir", str(folder), "--prefix", "/usr", *words],
        check=True,
        capture_output=True,
        cwd=folder,
    )


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Installed once; without compiled files, which take most of the time."""
    folder = tmp_path_factory.mktemp("installed")
    install(folder, "--no-compile")
    yield folder


def dialer(tree: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """From somewhere else, with nothing of the checkout in reach."""
    cache = {"PYTHONPYCACHEPREFIX": str(tree / "tmp")}
    clean = {"PATH": os.environ["PATH"], **cache, **environ}
    return subprocess.run(
        [str(tree / "usr/bin/dialer"), *words],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env=clean,
    )


def test_the_installed_program_checks_the_installed_configuration(tree: Path):
    """Every module that the daemon needs is there: check imports all rooms."""
    config = str(tree / "etc/dialer/dialer.yaml")
    done = dialer(tree, "check", "--offline", DIALER_CONFIG=config)
    assert done.returncode == 0, done.stderr
    assert f"{config}: fine" in done.stdout
    assert "Traceback" not in done.stderr


def test_the_daemon_itself_starts_from_there_as_far_as_its_secrets(tree: Path):
    """`run` loads everything; without a password it says which file to write."""
    config = str(tree / "etc/dialer/dialer.yaml")
    done = dialer(tree, "run", DIALER_CONFIG=config)
    assert done.returncode == 2
    assert "secrets/switch.password" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_runs_there_is_the_copy_and_not_the_checkout(tree: Path):
    python = tree / "usr/lib/dialer/bin/python"
    said = subprocess.run(
        [str(python), "-c", "import dialer, pytest"],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    assert "No module named 'pytest'" in said.stderr, "tests are not taken along"
    assert not list((tree / "usr/lib/dialer").rglob("*.pth"))


def test_units_name_the_place_that_they_were_installed_for(tmp_path: Path):
    install(tmp_path, "--no-compile", "--no-environment", "--prefix", "/opt/dialer")
    unit = (tmp_path / "opt/dialer/lib/systemd/system/dialer.service").read_text()
    assert "ExecStart=/opt/dialer/bin/dialer run" in unit
    assert "/usr/bin/dialer" not in unit


def test_an_upgrade_leaves_the_configuration_as_it_is(tree: Path):
    mine = tree / "etc/dialer/tags.yaml"
    mine.write_text("categories: {}\n")
    install(tree, "--no-compile", "--no-environment")
    assert mine.read_text() == "categories: {}\n"


@pytest.mark.parametrize("name", ["postinst", "prerm", "postrm"])
def test_the_scripts_of_the_package_are_shell(name: str):
    script = ROOT / "systemd" / "debian" / name
    assert subprocess.run(["sh", "-n", str(script)], check=False).returncode == 0
    assert script.stat().st_mode & 0o111, "dpkg refuses a script that may not be run"


def test_compose_names_only_files_that_are_there():
    """A mount of a missing file becomes an empty folder in the container, without a word."""
    tree = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8"))
    assert set(tree["services"]) == {
        "postgres",
        "valkey",
        "freeswitch",
        "dialer",
        "prometheus",
        "grafana",
    }
    named = set(tree["volumes"])
    for name, service in tree["services"].items():
        assert "build" in service or service["image"], name
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (ROOT / "deploy" / source).exists(), f"{name}: {source}"
            else:
                assert source in named or source.startswith("${"), f"{name}: {source}"
    build = tree["services"]["dialer"]["build"]
    assert (ROOT / "deploy" / build["context"] / build["dockerfile"]).is_file()


def test_what_a_daemon_in_a_container_keeps_outlives_it():
    """Its journal of people's words: else a restored backup would forget them."""
    tree = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8"))
    image = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    assert "state:/var/lib/dialer" in tree["services"]["dialer"]["volumes"]
    assert "state" in tree["volumes"]
    assert "ENV DIALER_STATE=/var/lib/dialer" in image


def test_compose_waits_as_long_for_a_drain_as_the_unit():
    tree = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8"))
    unit = (ROOT / "systemd" / "dialer.service").read_text(encoding="utf-8")
    assert f"TimeoutStopSec={tree['services']['dialer']['stop_grace_period']}\n" in unit


def test_every_password_that_compose_asks_for_is_in_the_example():
    text = (ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8")
    example = (ROOT / "deploy" / "env.example").read_text(encoding="utf-8")
    wanted = {part.split(":")[0].split("}")[0] for part in text.split("${")[1:]}
    given = {line.lstrip("# ").split("=")[0] for line in example.splitlines() if "=" in line}
    assert wanted - given <= {"DIALER_HTTP_LISTEN"}
