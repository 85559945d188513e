"""How a sealed recording is written: two slots for its wrapped key, then chunks of AES-256-GCM.

    slot 0 | slot 1 | chunk | chunk | ... | last chunk           (a slot: 512 bytes, a sector)
    slot:  MAGIC, length of the key's name, name in 20 bytes, this file's wrapped key, zeros

Each file has a random key of its own, wrapped by the ring's (ports.Sealer): rotation rewrites a
slot and no sound. It fills the other slot first and blanks the old one after, so that whoever
dies in between leaves one that opens. The nonce of a chunk is its number and whether it is the
last (the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizar, 2015): what was cut at
a border, swapped or appended to does not open. To each chunk and to the wrapping the attempt is
bound: a file under another's name does not open. Memory: one chunk and the next.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from typing import BinaryIO, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dialer.ports import Sealer

MAGIC = b"DialerS1"
SLOT_BYTES, NAME_BYTES = 512, 20
SLOTS = 2
HEADER_BYTES = SLOTS * SLOT_BYTES
CHUNK_BYTES = 256 * 1024
TAG_BYTES = 16
KEY_BYTES = 32
_TOKEN_AT = len(MAGIC) + 1 + NAME_BYTES
BLANK = bytes(SLOT_BYTES)


class Damaged(Exception):
    """Not what was sealed for this attempt: changed, cut, or another's file."""


class Slot(NamedTuple):
    """The file's key, wrapped by the ring's key of this name."""

    key_id: str
    token: bytes


# ------------------------------------------------------------------ the header


def pack(slot: Slot, token_bytes: int) -> bytes:
    """A slot as it stands in the file."""
    name = slot.key_id.encode("ascii")
    if len(name) > NAME_BYTES or len(slot.token) != token_bytes:
        raise ValueError("a name or a wrapped key of this size does not fit into a slot")
    head = MAGIC + bytes([len(name)]) + name.ljust(NAME_BYTES, b"\0")
    return (head + slot.token).ljust(SLOT_BYTES, b"\0")


def slots(header: bytes, token_bytes: int) -> list[Slot | None]:
    """None: a blank slot. Raises Damaged, also where no slot is filled."""
    if len(header) != HEADER_BYTES:
        raise Damaged("it is shorter than its header")
    found = [
        _unpack(header[at : at + SLOT_BYTES], token_bytes)
        for at in range(0, HEADER_BYTES, SLOT_BYTES)
    ]
    if not any(found):
        raise Damaged("its header holds no key")
    return found


def _unpack(raw: bytes, token_bytes: int) -> Slot | None:
    if raw == BLANK:
        return None
    length = raw[len(MAGIC)]
    name = raw[len(MAGIC) + 1 : len(MAGIC) + 1 + min(length, NAME_BYTES)]
    slot = Slot(name.decode("ascii", "replace"), raw[_TOKEN_AT : _TOKEN_AT + token_bytes])
    if not name.isascii() or pack(slot, token_bytes) != raw:
        raise Damaged("its header was changed")
    return slot


def wrap(file_key: bytes, sealer: Sealer, key_id: str, attempt: str) -> Slot:
    """Raises StoreError where the ring's key is missing or over."""
    return Slot(key_id, sealer.wrap(file_key, key_id, _bound(attempt)))


def unwrap(header: bytes, sealer: Sealer, attempt: str, *, even_over: bool = False) -> bytes:
    """The file's key. Raises Damaged; StoreError where the ring lacks what it takes."""
    filled = [one for one in slots(header, sealer.token_bytes) if one is not None]
    # While a rotation is half done, the ring may lack one of the two.
    known = [one for one in filled if sealer.holds(one.key_id)] or filled
    keys = {_unwrapped(one, sealer, attempt, even_over=even_over) for one in known}
    if len(keys) != 1:
        raise Damaged("its two slots hold different keys")
    return keys.pop()


def _unwrapped(slot: Slot, sealer: Sealer, attempt: str, *, even_over: bool) -> bytes:
    key = sealer.unwrap(slot.token, slot.key_id, _bound(attempt), even_over=even_over)
    if key is None:
        raise Damaged(
            f"its key does not open under the data key {slot.key_id}: it was changed, is"
            " another attempt's, or the data key is another of that name"
        )
    return key


def _bound(attempt: str) -> bytes:
    return MAGIC + attempt.encode()


# ------------------------------------------------------------------ the sound


def seal(
    source: BinaryIO,
    target: BinaryIO,
    sealer: Sealer,
    key_id: str,
    attempt: str,
    see: Callable[[bytes], None],
) -> None:
    """`see` gets every plain chunk. Raises OSError, StoreError."""
    file_key = secrets.token_bytes(KEY_BYTES)
    target.write(pack(wrap(file_key, sealer, key_id, attempt), sealer.token_bytes))
    target.write(BLANK * (SLOTS - 1))
    cipher, bound = AESGCM(file_key), _bound(attempt)
    for number, (chunk, last) in enumerate(_chunks(source, CHUNK_BYTES)):
        see(chunk)
        target.write(cipher.encrypt(_nonce(number, last=last), chunk, bound))


def opened(
    source: BinaryIO, sealer: Sealer, attempt: str, *, even_over: bool = False
) -> Iterator[bytes]:
    """The plain chunks; only when the last has come is the whole proved.

    Raises Damaged, StoreError (a key of the ring is missing or over), OSError.
    """
    file_key = unwrap(source.read(HEADER_BYTES), sealer, attempt, even_over=even_over)
    cipher, bound = AESGCM(file_key), _bound(attempt)
    for number, (chunk, last) in enumerate(_chunks(source, CHUNK_BYTES + TAG_BYTES)):
        try:
            yield cipher.decrypt(_nonce(number, last=last), chunk, bound)
        except InvalidTag as error:
            raise Damaged(f"its part {number} was changed, moved, or cut off") from error


def _chunks(source: BinaryIO, size: int) -> Iterator[tuple[bytes, bool]]:
    """Each with whether it is the last; an empty source is one empty chunk."""
    chunk = source.read(size)
    while True:
        following = source.read(size) if len(chunk) == size else b""
        yield chunk, not following
        if not following:
            return
        chunk = following


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])
