"""The vault: personal text sealed before it goes to PostgreSQL, opened after it has come back.

Cryptography is known here (decision 0016) and, for sound, in recordings/sealing.py (0027). A
sealed text is MARK "1:" key ":" base64 of AES-SIV, bound to its column and row: copied
elsewhere it does not open. SIV, because a text in one cell always gives the same token, so that
an import sees in SQL what has not changed. The first key of the ring seals, every key opens
what it sealed; without keys text stays plain. Of recordings only each file's own key is wrapped
here.
"""

from __future__ import annotations

import binascii
import hmac
import re
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from dialer.errors import ConfigError, Problem, StoreError

#: Begins every sealed text (shift out); taken out of text that people bring.
MARK = "\x0e"
FORM = f"{MARK}1:"
KEY_BYTES = 32
SALT_BYTES, TAG_BYTES = 32, 16
_ENTRY = re.compile(r"([A-Za-z0-9_-]{1,20}):([A-Za-z0-9+/]{43}=)(?::(\d{4}-\d\d-\d\d))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class DataKey:
    """One key of the ring; from the day `ends_on` (UTC) on it neither seals nor opens."""

    id: str
    secret: bytes = field(repr=False)
    ends_on: date | None = None

    def proof(self) -> bytes:
        """Tells whether another key goes by this name; says nothing of the key."""
        return hmac.digest(self.secret, b"dialer data key proof", "sha256")


class Unreadable(StoreError):
    """A sealed text that cannot be opened: nothing was dialed by it, nothing changed."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__("postgresql", what, remedy)


class Vault:
    """Seals and opens; `lookup` is the secret of the blind indexes (None: plain digests)."""

    def __init__(
        self,
        keys: Sequence[DataKey] = (),
        *,
        lookup: bytes | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.lookup = lookup
        self._wall = wall
        self.take(keys)

    def take(self, keys: Sequence[DataKey]) -> None:
        """Another ring from now on."""
        self.keys = tuple(keys)
        self._by_id = {key.id: key for key in keys}
        self._ciphers = {key.id: AESSIV(_expanded(key)) for key in keys}
        #: How every text begins that the first key has sealed; None: there is no key.
        self.prefix = f"{FORM}{keys[0].id}:" if keys else None

    def seal(self, text: str | None, column: str, row: bytes | int) -> str | None:
        """The text for one cell. Raises StoreError where the first key's time is over."""
        if not text:
            return text
        plain = unmarked(text)
        if self.prefix is None or not plain:
            return plain
        first = self.keys[0]
        if self.is_over(first):
            raise Unreadable(
                f"the data key {first.id} ended on {first.ends_on} and seals nothing more",
                "put a new key before it, then run: dialer keys rotate",
            )
        bound = _bound(column, row, first.id)
        token = self._ciphers[first.id].encrypt(plain.encode(), bound)
        return self.prefix + binascii.b2a_base64(token, newline=False).decode()

    def open(
        self, text: str | None, column: str, row: bytes | int, *, even_over: bool = False
    ) -> str | None:
        """What was sealed. Raises Unreadable. `even_over`: by a key whose time is over, too."""
        if not text or not text.startswith(MARK):
            return text
        key_id, _, token = text.removeprefix(FORM).partition(":")
        self._usable(key_id, even_over=even_over)
        try:
            sealed = binascii.a2b_base64(token, strict_mode=True)
            return self._ciphers[key_id].decrypt(sealed, _bound(column, row, key_id)).decode()
        except (InvalidTag, ValueError) as error:
            raise Unreadable(
                f"a text in {column} does not open under the data key {key_id}",
                "the key is another of that name, or the text was changed or moved by hand",
            ) from error

    # ------------------------------------------------------------------ keys of recordings

    @property
    def token_bytes(self) -> int:
        return SALT_BYTES + KEY_BYTES + TAG_BYTES

    @property
    def first_id(self) -> str | None:
        return self.keys[0].id if self.keys else None

    def holds(self, key_id: str) -> bool:
        return key_id in self._by_id

    def wrap(self, file_key: bytes, key_id: str, bound: bytes) -> bytes:
        """A file's key for its header. Raises Unreadable."""
        salt = secrets.token_bytes(SALT_BYTES)
        cipher = _wrapping(self._usable(key_id, even_over=False), salt)
        return salt + cipher.encrypt(bytes(12), file_key, _of_file(key_id, bound))

    def unwrap(
        self, token: bytes, key_id: str, bound: bytes, *, even_over: bool = False
    ) -> bytes | None:
        """None: it does not open. Raises Unreadable."""
        salt, sealed = token[:SALT_BYTES], token[SALT_BYTES:]
        cipher = _wrapping(self._usable(key_id, even_over=even_over), salt)
        try:
            return cipher.decrypt(bytes(12), sealed, _of_file(key_id, bound))
        except InvalidTag:
            return None

    def _usable(self, key_id: str, *, even_over: bool) -> DataKey:
        key = self._by_id.get(key_id)
        if key is None:
            raise Unreadable(*lost(key_id))
        if self.is_over(key) and not even_over:
            raise Unreadable(*over(key))
        return key

    def is_over(self, key: DataKey) -> bool:
        if key.ends_on is None:
            return False
        return datetime.fromtimestamp(self._wall(), UTC).date() >= key.ends_on


def lost(key_id: str) -> tuple[str, str]:
    """What is wrong and the remedy."""
    return (
        f"the data key {key_id} is not among the keys, and personal data is sealed under it",
        "put the key back behind the first one (keys_file or DIALER_DATA_KEYS_FILE)",
    )


def over(key: DataKey) -> tuple[str, str]:
    return (
        f"the data key {key.id} ended on {key.ends_on}, and personal data is sealed under it",
        "put a new key before it, then run: dialer keys rotate",
    )


def unmarked(text: str) -> str:
    """Hostile text may not pass for a sealed one."""
    return text.replace(MARK, "") if MARK in text else text


def _expanded(key: DataKey) -> bytes:
    """512 bits: AES-256 twice, as AES-SIV wants it (RFC 5297)."""
    return hmac.digest(key.secret, b"dialer data aes-siv", "sha512")


def _wrapping(key: DataKey, salt: bytes) -> AESGCM:
    """Each salt makes a key that wraps once, so the nonce may be zero."""
    info = b"dialer recording key"
    return AESGCM(HKDF(SHA256(), KEY_BYTES, salt, info).derive(key.secret))


def _of_file(key_id: str, bound: bytes) -> bytes:
    return key_id.encode() + b"\0" + bound


def _bound(column: str, row: bytes | int, key_id: str) -> list[bytes]:
    where = row if isinstance(row, bytes) else b"%d" % row
    return [_named(column, key_id), where]


@lru_cache(maxsize=256)
def _named(column: str, key_id: str) -> bytes:
    return f"{FORM}{key_id}:{column}".encode()


# ------------------------------------------------------------------ the ring as it is written


def new_entry(key_id: str) -> str:
    """A fresh key as it stands in the ring; raises ConfigError."""
    key = binascii.b2a_base64(secrets.token_bytes(KEY_BYTES), newline=False).decode()
    entry = f"{key_id}:{key}"
    read_ring(entry, "the key's name")
    return entry


def read_ring(text: str, place: str) -> list[DataKey]:
    """Entries ID:KEY or ID:KEY:YYYY-MM-DD, KEY 32 bytes in base64; white space between them.

    What stands behind # is a comment. Raises ConfigError, which never quotes what it found.
    """
    keys: list[DataKey] = []
    problems: list[Problem] = []
    for number, line in enumerate(text.splitlines(), 1):
        for entry in line.partition("#")[0].split():
            where = f"{place}:{number}"
            key = _entry(entry, where, problems)
            if key is not None and any(key.id == other.id for other in keys):
                what, remedy = f"the key {key.id} is named twice", "a new key has a new name"
                problems.append(Problem(place=where, what=what, remedy=remedy))
            elif key is not None:
                keys.append(key)
    if problems:
        raise ConfigError(problems)
    return keys


def _entry(entry: str, where: str, problems: list[Problem]) -> DataKey | None:
    found = _ENTRY.fullmatch(entry)
    if found is None:
        remedy = "NAME:KEY or NAME:KEY:YYYY-MM-DD; dialer keys new NAME makes one"
        problems.append(Problem(place=where, what="is not a data key", remedy=remedy))
        return None
    try:
        ends_on = date.fromisoformat(found[3]) if found[3] else None
        secret = binascii.a2b_base64(found[2], strict_mode=True)
    except ValueError:
        what = f"the key {found[1]}: its text or its last day cannot be read"
        problems.append(
            Problem(place=where, what=what, remedy="dialer keys new NAME makes one")
        )
        return None
    return DataKey(id=found[1], secret=secret, ends_on=ends_on)
