#!/usr/bin/env bash
# Makes the virtual environment from the hash-locked requirements: with uv where it is on PATH,
# else with venv and pip. It installs nothing outside the project's folder; what the system lacks
# is said in one sentence with its remedy.
set -euo pipefail
python=$1
venv=$2

stop() { echo "make: $1" >&2; exit 1; }

command -v "$python" >/dev/null || stop "$python is missing: apt-get install python3 python3-venv"
"$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' ||
    stop "$("$python" --version) is not supported: Python 3.11, 3.12 or 3.13 is needed (make PYTHON=python3.12 ...)"

rm -rf "$venv"
if command -v uv >/dev/null; then
    uv venv --quiet --python "$python" "$venv"
    install() { uv pip install --quiet --python "$venv/bin/python" "$@"; }
else
    # Asked first: without ensurepip `python3 -m venv` fails and leaves a half-made folder behind.
    "$python" -c 'import ensurepip' 2>/dev/null ||
        stop "python3-venv is missing: apt-get install python3-venv (or install uv)"
    "$python" -m venv "$venv"
    install() { "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@"; }
fi
echo "make: installing the locked packages into $venv (about a minute)" >&2
# greenswitch is published as source only; every other package comes as a wheel.
install --require-hashes --only-binary :all: --no-binary greenswitch -r requirements.lock
# The project itself, editable and without another look at its dependencies: a .pth file and the
# console script are all that an installation would add.
"$venv/bin/python" - <<'PY'
import pathlib, site, sys
root = pathlib.Path.cwd()
packages = pathlib.Path(next(p for p in site.getsitepackages() if p.endswith("site-packages")))
(packages / "dialer-checkout.pth").write_text(f"{root}\n", encoding="utf-8")
script = pathlib.Path(sys.executable).parent / "dialer"
script.write_text(f"#!{sys.executable}\nfrom dialer.__main__ import main\nmain()\n", encoding="utf-8")
script.chmod(0o755)
PY
touch "$venv/.ready"
