"""Secrets and addresses of this machine: from the environment or from files, never from YAML.

What stands in the environment counts before the file, so that one configuration serves many
machines and the demo: DIALER_NAME, DIALER_SWITCH_HOST, DIALER_SWITCH_PORT,
DIALER_SWITCH_PASSWORD, DIALER_REDIS_URL, DIALER_POSTGRESQL_DSN, DIALER_HTTP_LISTEN.
Messages say where a secret was looked for, never what was found there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from dialer.errors import Problem
from dialer.settings.places import shown
from dialer.settings.tree import Loc, Tree
from dialer.settings.validate import problem_at

LONGEST_SECRET = 4096
_DSN_PASSWORD = re.compile(r"(?:^|\s)password\s*=", re.IGNORECASE)


@dataclass(slots=True, kw_only=True)
class Credentials:
    """Looks for the secrets of one daemon file and collects what is wrong.

    `needed` False (dialer check on another machine): what is not there is no problem.
    """

    tree: Tree
    folder: Path
    environ: Mapping[str, str]
    needed: bool = True
    problems: list[Problem] = field(default_factory=list)

    def find(self, section: str, key: str, override: str, default: str | None) -> str:
        """The value of `section: {key, key_env, key_file}`; variable `override` is first."""
        if self.environ.get(override):
            return self.environ[override]
        given = self.tree.mapping(section)
        ways = [name for name in (key, f"{key}_env", f"{key}_file") if given.get(name)]
        if len(ways) > 1:
            self._say((section, ways[1]), f"and {ways[0]} are both given", "keep one of them")
            return ""
        if not ways:
            if default is None and self.needed:
                remedy = f"set the variable {override}, or {section}: {key}_env or {key}_file"
                self._say((section,), f"no {key} is given", remedy)
            return default or ""
        return self._read(section, key, ways[0])

    def of_gateway(self, name: str) -> str:
        """The password at the carrier; "" where none is given (it knows our address)."""
        loc = ("gateways", name)
        given = self.tree.at(*loc) or {}
        ways = [way for way in ("password_env", "password_file") if given.get(way)]
        if len(ways) > 1:
            self._say((*loc, ways[1]), f"and {ways[0]} are both given", "keep one of them")
            return ""
        if ways == ["password_file"]:
            return self._from_file((*loc, "password_file"), str(given["password_file"]))
        # Nothing but `dialer gateways` needs it: the daemon starts without.
        return self.environ.get(str(given["password_env"]), "") if ways else ""

    def _read(self, section: str, key: str, way: str) -> str:
        where = str(self.tree.at(section, way))
        if way == key:
            if holds_password(where):
                remedy = f"keep it in a file or variable: {key}_file or {key}_env"
                self._say((section, key), "a password must not stand in the file", remedy)
            return where
        if way.endswith("_env"):
            value = self.environ.get(where, "")
            if not value and self.needed:
                self._say((section, way), f"the environment variable {where} is not set")
            return value
        return self._from_file((section, way), where)

    def _from_file(self, loc: Loc, name: str) -> str:
        path = self.folder / name
        try:
            with path.open(encoding="utf-8") as file:
                text = file.read(LONGEST_SECRET + 1).strip()
        except (OSError, UnicodeDecodeError) as error:
            if self.needed or not isinstance(error, OSError):
                why = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
                self._say(loc, f"cannot be read: {why}", f"looked for {shown(path)}")
            return ""
        if not text or len(text) > LONGEST_SECRET or not text.isprintable():
            self._say(loc, "must hold one line and nothing else", f"looked at {shown(path)}")
            return ""
        return text

    def _say(self, loc: Loc, what: str, remedy: str = "") -> None:
        self.problems.append(problem_at(self.tree, loc, what, remedy))


def holds_password(address: str) -> bool:
    """A url or a libpq dsn with a password in clear."""
    if "://" in address:
        try:
            parts = urlsplit(address)
        except ValueError:
            return False
        return bool(parts.password) or "password=" in parts.query.lower()
    return bool(_DSN_PASSWORD.search(address))
