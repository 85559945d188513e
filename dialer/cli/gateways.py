"""`dialer gateways`: FreeSWITCH's files for the carriers and numbers of dialer.yaml.

One source for both sides: what the daemon dials by is what the switch knows. `show` prints,
`write` writes into FreeSWITCH's configuration and removes what it wrote before and is no more.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from dialer.cli.options import CONFIG
from dialer.cli.quiet import quiet
from dialer.errors import ConfigError, Problem
from dialer.settings.daemon import Settings
from dialer.settings.loading import load
from dialer.settings.switch_files import MARK, files_of

#: Gateways hold passwords: readable by the switch's group, nobody else.
MODE = 0o640
#: Folders of FreeSWITCH's configuration that may hold files of ours.
FOLDERS = ("sip_profiles/*", "autoload_configs/carriers", "dialplan/public")


@click.group()
def gateways_command() -> None:
    """Write FreeSWITCH's files for carriers and numbers from dialer.yaml."""


@gateways_command.command("show")
@click.argument("name", required=False)
@click.option("--passwords", is_flag=True, help="Show passwords, too.")
@CONFIG
def show_command(name: str | None, passwords: bool, config: Path) -> None:
    """Print what would be written, all of it or one carrier's."""
    settings = _settings(config)
    for path, text in files_of(settings).items():
        if name is None or Path(path).stem == name:
            click.echo(f"# {path}\n{text if passwords else _hidden(text)}")


@gateways_command.command("write")
@click.argument(
    "folder", type=click.Path(exists=True, file_okay=False, writable=True, path_type=Path)
)
@CONFIG
def write_command(folder: Path, config: Path) -> None:
    """Write into FOLDER, FreeSWITCH's configuration."""
    settings = _settings(config)
    files = files_of(settings)
    _never_over_others(folder, files)
    unread = []
    for place, text in files.items():
        if _written(folder / place, text):
            click.echo(f"written: {folder / place}")
        if not _given(folder / place, folder):
            unread.append(str(folder / place))
    for path in sorted(_ours(folder)):
        if str(path.relative_to(folder)) not in files:
            path.unlink()
            click.echo(f"removed: {path}")
    for name, trunk in settings.trunks.items():
        if trunk.proxy is None:
            click.echo(
                f"{name}: no proxy is given, its gateway file is yours to write", err=True
            )
    if unread:
        group = folder.stat().st_gid
        click.echo(
            f"the switch may not read: run as root chgrp {group} {' '.join(unread)}", err=True
        )
    click.echo(
        "then: fs_cli -x reloadxml; fs_cli -x reloadacl; and for each changed carrier"
        " fs_cli -x 'sofia profile external killgw NAME' and 'sofia profile external rescan'"
    )


def _settings(config: Path) -> Settings:
    quiet()
    return load(config, secrets_needed=False).settings


def _hidden(text: str) -> str:
    lines = []
    for line in text.splitlines():
        secret = '<param name="password"' in line
        lines.append('    <param name="password" value="…"/>' if secret else line)
    return "\n".join(lines) + "\n"


def _never_over_others(folder: Path, files: Mapping[str, str]) -> None:
    """Raises ConfigError: a file of that name was written by a person."""
    problems = [
        Problem(
            place=str(folder / path),
            what="was not written by `dialer gateways write`",
            remedy="move it away, or name the gateway or pool otherwise",
        )
        for path in files
        if (folder / path).exists() and not _is_ours(folder / path)
    ]
    if problems:
        raise ConfigError(problems)


def _ours(folder: Path) -> Iterator[Path]:
    for pattern in FOLDERS:
        for path in folder.glob(f"{pattern}/*.xml"):
            if _is_ours(path):
                yield path


def _is_ours(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.readline().rstrip("\n") == MARK
    except OSError as error:
        what = f"cannot be read: {error.strerror}"
        raise ConfigError([Problem(place=str(path), what=what)]) from error


def _given(path: Path, folder: Path) -> bool:
    """The file, and a folder that was made for it, belong to the group that reads `folder`:
    the switch's. False where we may not do that.
    """
    group = folder.stat().st_gid
    try:
        for one in (path, path.parent):
            if one.stat().st_gid != group:
                os.chown(one, -1, group)
    except PermissionError:
        return False
    return True


def _written(path: Path, text: str) -> bool:
    """Whole or not at all; False where it stands there already."""
    try:
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.{os.getpid()}")
        fresh.touch(mode=MODE)
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(path)
    except OSError as error:
        what = f"cannot be written: {error.strerror}"
        raise ConfigError([Problem(place=str(path), what=what)]) from error
    return True
