"""The systemd units: correct, tight, and patient where a talk goes on.

Losing these, a stop cuts talks, a mistake in a file starts a loop, or a hole in the fence stays
unseen until somebody is through it.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import fields
from pathlib import Path

import pytest

from dialer.engine.plan import Plan

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "systemd"
UNITS = ("dialer.service", "dialer@.service")
#: 10 is no fence at all; below 2 is what systemd itself calls "OK".
MOST_EXPOSED = 1.5
ANALYZE = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(
    ANALYZE is None, reason="systemd-analyze is not here: it comes with the package systemd"
)
EACH = pytest.mark.parametrize("name", UNITS)


def settings(name: str) -> dict[str, list[str]]:
    """Key -> its values in order, of all sections."""
    found: dict[str, list[str]] = {}
    for line in (FOLDER / name).read_text(encoding="utf-8").splitlines():
        if "=" in line and not line.startswith(("#", "[")):
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


def placed(name: str, folder: Path) -> Path:
    """Of the template an instance; its program is one that exists everywhere."""
    text = (FOLDER / name).read_text(encoding="utf-8")
    place = folder / name.replace("@", "@east")
    place.write_text(text.replace("/usr/bin/dialer", "/bin/true"), encoding="utf-8")
    return place


@needs_systemd
@EACH
def test_systemd_finds_nothing_wrong(name: str, tmp_path: Path):
    said = subprocess.run(
        [str(ANALYZE), "verify", "--man=no", str(placed(name, tmp_path))],
        capture_output=True,
        text=True,
        check=False,
    )
    ours = [line for line in said.stderr.splitlines() if "dialer" in line]
    assert ours == []


@needs_systemd
@EACH
def test_the_fence_is_as_tight_as_it_was(name: str, tmp_path: Path):
    said = subprocess.run(
        [str(ANALYZE), "security", "--offline=true", "--no-pager", str(placed(name, tmp_path))],
        capture_output=True,
        text=True,
        check=False,
    )
    score = re.search(r"exposure level for \S+: ([\d.]+)", said.stdout)
    if score is None:
        pytest.skip("this systemd-analyze cannot judge a unit that is not running")
    assert float(score[1]) <= MOST_EXPOSED


@EACH
def test_a_stop_waits_for_the_longest_drain_and_the_last_writes(name: str):
    """Else systemd kills the daemon in the middle of talks."""
    longest_s = next(one.default for one in fields(Plan) if one.name == "drain_s")
    assert isinstance(longest_s, float)
    [stop] = settings(name)["TimeoutStopSec"]
    assert int(stop.removesuffix("s")) >= longest_s + 10 + 5
    assert settings(name)["KillMode"] == ["mixed"], "one SIGTERM, to the daemon alone"


@EACH
def test_a_mistake_in_a_file_is_no_loop_and_a_store_that_is_away_is_waited_for(name: str):
    unit = settings(name)
    assert unit["RestartPreventExitStatus"] == ["2"]
    assert unit["Restart"] == ["on-failure"]
    assert unit["StartLimitIntervalSec"] == ["0"]


@EACH
def test_ready_reload_and_watchdog_are_the_daemons_own_word(name: str):
    unit = settings(name)
    assert unit["Type"] == ["notify"]
    assert unit["NotifyAccess"] == ["main"]
    assert int(unit["WatchdogSec"][0].removesuffix("s")) >= 10, "it is fed once a second"
    check, hang_up = unit["ExecReload"]
    assert check.endswith("dialer check --offline"), "a mistake fails the reload with its place"
    assert hang_up.endswith("kill -HUP $MAINPID")


def test_the_template_differs_from_the_unit_in_the_instance_alone():
    """Two files that must be kept in step by hand drift."""
    one, many = (settings(name) for name in UNITS)
    differ = {key for key in one.keys() | many.keys() if one.get(key) != many.get(key)}
    assert differ == {
        "Description",
        "Environment",
        "EnvironmentFile",
        "SyslogIdentifier",
        "RuntimeDirectory",
    }


def test_secrets_are_not_for_everybody():
    text = (FOLDER / "dialer.tmpfiles").read_text(encoding="utf-8")
    rights = {
        line.split()[1]: line.split()[2:5]
        for line in text.splitlines()
        if line and not line.startswith("#")
    }
    for place in ("/etc/dialer/secrets/*", "/etc/dialer/*.env"):
        assert rights[place] == ["0640", "root", "dialer"]
    assert rights["/etc/dialer/secrets"] == ["0750", "root", "dialer"]
