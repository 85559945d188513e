"""How a gateway wants numbers written: +7…, 7…, 8…, bare, behind a prefix or a SIM port.

Pure text: E.164 in, digits (with a leading + where the form has one) out, or None where a
number cannot be written in that form. Whether it may be dialed is not asked here
(`permission.destinations`), and nothing that is not E.164 ever comes out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

_SHOWN = re.compile(r"\+?[0-9]{10,20}", re.ASCII)
_E164 = re.compile(r"\+[1-9][0-9]{4,17}", re.ASCII)
#: What may stand before a number: digits of a carrier or a SIM port, the star of a dial code.
#: A # is none: raw it may not stand in a SIP address.
PREFIX = re.compile(r"[0-9*]{0,12}", re.ASCII)


def _plain(e164: str) -> str:
    return e164[1:]


def _national8(e164: str) -> str | None:
    digits = _national(e164)
    return None if digits is None else f"8{digits}"


def _national(e164: str) -> str | None:
    return e164[2:] if e164.startswith("+7") and len(e164) == 12 else None


#: Word of the configuration -> how it is written (None: it cannot be).
FORMS: Mapping[str, Callable[[str], str | None]] = {
    "+e164": lambda e164: e164,  # +79161234567
    "e164": _plain,  # 79161234567
    "national8": _national8,  # 89161234567, country +7 only
    "national": _national,  # 9161234567, country +7 only
    "00e164": lambda e164: f"00{e164[1:]}",  # 0079161234567
}


def written(e164: str, form: str, *, strip: int = 0, prefix: str = "") -> str | None:
    """`e164` in the form, its first `strip` characters taken off, `prefix` put before it.

    None: no E.164 number, an unknown form, or nothing of at least five digits would be left.
    """
    write = FORMS.get(form)
    if write is None or not _E164.fullmatch(e164) or not PREFIX.fullmatch(prefix):
        return None
    text = write(e164)
    if text is None or strip < 0 or len(text[strip:].removeprefix("+")) < 5:
        return None
    # A plus inside a number is none any more.
    rest = text[strip:]
    return prefix + (rest.removeprefix("+") if prefix else rest)


def caller_of(text: str) -> str | None:
    """A caller's number as carriers show it -> E.164; None where no country can be told.

    +…, 00…, 810… with a country; 7… and 8… of eleven digits and ten digits are Russian.
    """
    if not _SHOWN.fullmatch(text):
        return None
    if text.startswith("+"):
        found = text
    elif text.startswith("00"):
        found = f"+{text[2:]}"
    elif text.startswith("810") and len(text) > 11:
        found = f"+{text[3:]}"
    elif len(text) == 11 and text[0] in "78":
        found = f"+7{text[1:]}"
    elif len(text) == 10 and text[0] in "3489":
        found = f"+7{text}"
    else:
        return None
    return found if _E164.fullmatch(found) and len(found) >= 11 else None
