"""A phone as somebody wrote it -> E.164, kind, region, carrier, zones, or a refusal's sentence.

A fast path for Russian numbers (a regular expression and our numbering plan) says exactly what
phonenumbers says (a test holds them together on random input); everything else goes to
phonenumbers. Before either, text with anything but a phone's own characters is refused: what is
wrong with `+7916,sofia/gateway/x/900` must be told, never guessed at.

Only the import loads this file's data; the daemon reads what the ledger keeps.
"""

from __future__ import annotations

import re
from collections.abc import Set
from functools import cache
from typing import NamedTuple

import phonenumbers

from dialer.core.permission.destinations import (
    EXCEPT,
    HOME_RU,
    NEVER,
    Destinations,
    find_fault,
)
from dialer.ports import ImportedPhone
from dialer.settings.russia import Region, numbering_plan

HOME_COUNTRY = "RU"
LONGEST_TEXT = 60

_DELETED = str.maketrans("", "", ".\t\u00a0\u2010\u2011\u2012\u2013\u2014\u202f")
_HOME = re.compile(r"(?:\+7|7|8)?([3489][0-9]{9})", re.ASCII)
_ALLOWED = re.compile(
    r"[\d\s+().\-\u2010-\u2015]+(?:(?:доб|вн|внутр|ext|x|#)[\s.:]*[0-9]{1,7})?",
    re.IGNORECASE,
)
_SEPARATORS = re.compile(r"[;,/|\n]")
_KINDS = {
    phonenumbers.PhoneNumberType.FIXED_LINE: "landline",
    phonenumbers.PhoneNumberType.MOBILE: "mobile",
    phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE: "landline",
    phonenumbers.PhoneNumberType.TOLL_FREE: "toll_free",
    phonenumbers.PhoneNumberType.PREMIUM_RATE: "paid",
}

# Country code and carrier's prefix are seven digits together, but for a few that have more.
_REMEMBERED = 8
_MOST_REMEMBERED = 200_000

STRAY = "holds characters that do not belong in a phone number"
INVALID = "is not a valid phone number"


class Parsed(NamedTuple):
    """A valid number: E.164 with +, its kind, the extension behind it."""

    digits: str
    kind: str
    extension: str | None = None


def parse_phone(text: str) -> Parsed | str:
    """The number, or why it is none (a sentence without the number)."""
    national = _home_number(text)
    # 930 0xx holds mobile codes that are not given out: phonenumbers knows which.
    kind = _kinds_by_code().get(national[:3]) if national else None
    if kind is not None:
        return Parsed(f"+7{national}", kind)
    if len(text) > LONGEST_TEXT or not _ALLOWED.fullmatch(text.strip()):
        return STRAY
    return _ask_library(text)


def _home_number(text: str) -> str | None:
    """The ten digits of what looks like a number of ours at home."""
    # Four replacements take a third of the time of one translate.
    text = text.replace(" ", "").replace("-", "").replace("(", "").replace(")", "")
    match = _HOME.fullmatch(text) or _HOME.fullmatch(text.translate(_DELETED))
    return match[1] if match is not None else None


@cache
def _kinds_by_code() -> dict[str, str]:
    mobiles = (str(code) for code in range(900, 1000) if code != 930)
    return {
        **dict.fromkeys(numbering_plan().by_code, "landline"),
        **dict.fromkeys(mobiles, "mobile"),
    }


def _ask_library(text: str) -> Parsed | str:
    try:
        number = phonenumbers.parse(text, HOME_COUNTRY)
    except phonenumbers.NumberParseException:
        return INVALID
    if not phonenumbers.is_valid_number(number):
        return INVALID
    return Parsed(
        phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164),
        _KINDS.get(phonenumbers.number_type(number), "other"),
        number.extension or None,
    )


def split_phones(text: str) -> list[str]:
    """The phones of one cell: several stand between `; , / |` or line breaks.

    Cut only where every piece could be a phone by itself, so that a dial string in a cell stays
    one piece and is refused whole.
    """
    if len(text) <= 18:
        return [text]
    pieces = [piece for piece in _SEPARATORS.split(text) if piece.strip()]
    if len(pieces) > 1 and all(_could_be_phone(piece) for piece in pieces):
        return pieces
    return [text]


def _could_be_phone(piece: str) -> bool:
    digits = sum(char.isdigit() for char in piece)
    return digits >= 10 and _ALLOWED.fullmatch(piece.strip()) is not None


class PhoneReader:
    """Reads phones for one import: what may be called, and which numbers are our own."""

    def __init__(
        self, *, destinations: Destinations = HOME_RU, own_numbers: Set[str] = frozenset()
    ) -> None:
        self._destinations = destinations
        self._own_numbers = own_numbers
        # A home number's fault hangs on its first characters alone, unless it is our own.
        named = (*destinations.allowed, *NEVER, *EXCEPT)
        self._telling = max(map(len, named))
        self._faults: dict[str, str | None] = {}
        self._kinds = _kinds_by_code()

    def read(self, text: str, card: Region | None) -> ImportedPhone | str:
        """The phone, or why it is refused. `card`: the region of the contact's card."""
        national = _home_number(text)
        kind = self._kinds.get(national[:3]) if national else None
        extension = None
        if kind is not None:
            digits = f"+7{national}"
        else:
            parsed = parse_phone(text)
            if isinstance(parsed, str):
                return parsed
            digits, kind, extension = parsed
        fault = self._fault(digits)
        if fault is not None:
            return fault
        if kind == "landline":
            home = numbering_plan().by_code.get(digits[2:5]) if digits[1] == "7" else None
            region, zones = _placed(digits, home, card)
            return ImportedPhone(digits, kind, region, None, zones, extension)
        carrier = carrier_of(digits)
        if card is not None:
            return ImportedPhone(digits, kind, card.name, carrier, card.zones, extension)
        region, zones = _placed(digits, None, card)
        return ImportedPhone(digits, kind, region, carrier, zones, extension)

    def _fault(self, digits: str) -> str | None:
        prefix = digits[: self._telling]
        if digits not in self._own_numbers and prefix in self._faults:
            return self._faults[prefix]
        found = find_fault(
            digits, destinations=self._destinations, own_numbers=self._own_numbers
        )
        fault = None if found is None else f"is {found.value}"
        if (
            digits.startswith("+7")
            and digits not in self._own_numbers
            and len(self._faults) < _MOST_REMEMBERED
        ):
            self._faults[prefix] = fault
        return fault


def _placed(
    digits: str, home: Region | None, card: Region | None
) -> tuple[str | None, tuple[str, ...]]:
    """Region and zones: a landline of a region unlike the card's may lie in either (R3.6)."""
    if home is None:
        if card is not None:
            return card.name, card.zones
        return None, () if digits[1] == "7" else _foreign_zones(digits)
    if card is None or card.name == home.name:
        return home.name, home.zones
    return home.name, tuple(dict.fromkeys((*home.zones, *card.zones)))


def _foreign_zones(digits: str) -> tuple[str, ...]:
    from phonenumbers import timezone

    zones = timezone.time_zones_for_number(phonenumbers.parse(digits))
    return tuple(zone for zone in zones if zone != timezone.UNKNOWN_TIMEZONE)


def carrier_of(digits: str) -> str | None:
    """The carrier that the prefix was given to. Numbers are ported: a hint, nothing more."""
    known = _carrier_memory()
    prefix = digits[1:_REMEMBERED]
    try:
        return known[prefix]
    except KeyError:
        pass
    carriers = _carriers()
    found = [carriers.get(digits[1 : length + 1]) for length in range(len(digits), 2, -1)]
    carrier = next((name for name in found if name is not None), None)
    if len(known) < _MOST_REMEMBERED and prefix not in _longer_prefixes():
        known[prefix] = carrier
    return carrier


@cache
def _carrier_memory() -> dict[str, str | None]:
    return {}


@cache
def _longer_prefixes() -> frozenset[str]:
    return frozenset(
        prefix[: _REMEMBERED - 1] for prefix in _carriers() if len(prefix) >= _REMEMBERED
    )


@cache
def _carriers() -> dict[str, str]:
    from phonenumbers.carrierdata import CARRIER_DATA

    return {prefix: names["en"] for prefix, names in CARRIER_DATA.items() if "en" in names}
