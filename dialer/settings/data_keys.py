"""The secrets of personal data as text: from the environment, or from the files of dialer.yaml.

A file is taken only if nobody else can read or change it: its owner is root or ourselves, its
group may read at most, others nothing. Messages never quote what was found in it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from dialer.errors import ConfigError, Problem

#: The key of the phones' lookup digests; without it they are plain digests.
LOOKUP_KEY = "DIALER_LOOKUP_KEY"
#: The keys that seal personal data, the first one seals; or the file that holds them.
DATA_KEYS = "DIALER_DATA_KEYS"
DATA_KEYS_FILE = "DIALER_DATA_KEYS_FILE"
#: A ring of a hundred keys and comments.
LONGEST_RING = 65_536


class KeyFiles(NamedTuple):
    """What dialer.yaml names: `keys_file` and `lookup_key_file`."""

    keys: Path | None = None
    lookup_key: Path | None = None


class KeyTexts(NamedTuple):
    """`ring` as it is written, `place` where it stood ("" = there is none)."""

    ring: str
    place: str
    lookup_key: str


def read_keys(files: KeyFiles, environ: Mapping[str, str]) -> KeyTexts:
    """The environment counts before dialer.yaml. Raises ConfigError."""
    ring, file = environ.get(DATA_KEYS, ""), environ.get(DATA_KEYS_FILE, "")
    lookup = environ.get(LOOKUP_KEY, "")
    if not lookup and files.lookup_key is not None:
        lookup = _guarded(files.lookup_key).strip()
        if not lookup:
            raise _refused(files.lookup_key, "holds nothing", "a long random text")
    if ring and file:
        what, remedy = f"and {DATA_KEYS_FILE} are both set", "keep one of them"
        raise ConfigError([Problem(place=DATA_KEYS, what=what, remedy=remedy)])
    if ring:
        return KeyTexts(ring, DATA_KEYS, lookup)
    path = Path(file) if file else files.keys
    if path is None:
        return KeyTexts("", "", lookup)
    return KeyTexts(_guarded(path), str(path), lookup)


def _guarded(path: Path) -> str:
    """The file's text, if it is nobody else's business."""
    try:
        with path.open(encoding="utf-8") as file:
            _refuse_open_file(path, os.fstat(file.fileno()))
            text = file.read(LONGEST_RING + 1)
    except (OSError, UnicodeDecodeError) as error:
        why = (error.strerror or "") if isinstance(error, OSError) else "not UTF-8 text"
        remedy = "keys_file, lookup_key_file or DIALER_DATA_KEYS_FILE names it"
        raise _refused(path, f"cannot be read: {why}", remedy) from error
    if len(text) > LONGEST_RING:
        raise _refused(path, "is too long for keys", "")
    return text


def _refuse_open_file(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise _refused(path, "is no file", "")
    if found.st_uid not in (0, os.geteuid()):
        what = f"belongs to user {found.st_uid}, who could change it"
        raise _refused(path, what, "chown root:dialer")
    if found.st_mode & (stat.S_IWGRP | stat.S_IRWXO):
        what = f"is open to others (mode {stat.S_IMODE(found.st_mode):04o})"
        raise _refused(path, what, "chmod 640: root writes, the dialer's group reads")


def _refused(path: Path, what: str, remedy: str) -> ConfigError:
    return ConfigError([Problem(place=str(path), what=what, remedy=remedy)])
