"""Which destinations may be called at all (R3.12): asked at import and where the call is built.

An allow-list of E.164 prefixes; where an exception lies inside it, the longer prefix wins.
Never, whatever is allowed: what is not E.164 (emergency and short numbers, 101-104 and 112,
are too short for it; so is anything with a letter, comma or slash in it), paid codes,
satellite and other codes of no country, and our own numbers. Kazakhstan and Abkhazia share +7
with Russia and are foreign: whoever means them names them in his own list.
"""

from __future__ import annotations

import re
from collections.abc import Set
from dataclasses import dataclass
from enum import StrEnum

from dialer.core.permission.reasons import Reason

# ASCII digits only: a \d would let in other scripts' digits, a $ a trailing newline.
_E164 = re.compile(r"\+[1-9][0-9]{9,14}")
_SHORT = re.compile(r"\+?[0-9]{1,9}")


class Fault(StrEnum):
    """What is wrong with a destination; the value is the sentence for the rejected row."""

    NOT_E164 = "not a phone number in international form (+ and 10 to 15 digits)"
    SHORT = "an emergency, short or incomplete number"
    LENGTH = "too short or too long for its country"
    PAID = "a paid number"
    SERVICE = "a service or toll-free number, not a person's"
    FOREIGN = "a foreign number"
    SATELLITE = "a satellite or international network number"
    OWN = "one of our own numbers"
    NOT_ALLOWED = "outside the allowed destinations"


#: Refused whatever the allow-list says. Sources: R3.12; +87x and +88x are ITU's global
#: networks.
NEVER: dict[str, Fault] = {
    "+7803": Fault.PAID,
    "+7809": Fault.PAID,
    "+870": Fault.SATELLITE,
    "+878": Fault.SATELLITE,
    "+881": Fault.SATELLITE,
    "+882": Fault.SATELLITE,
    "+883": Fault.SATELLITE,
    "+888": Fault.SATELLITE,
    "+979": Fault.PAID,  # international premium rate
}

#: Refused unless the allow-list names a prefix at least as long.
EXCEPT: dict[str, Fault] = {
    "+76": Fault.FOREIGN,
    "+77": Fault.FOREIGN,
    "+7840": Fault.FOREIGN,
    "+7940": Fault.FOREIGN,
    "+780": Fault.SERVICE,
}

_NEVER_PREFIXES = tuple(NEVER)
_EXCEPT_PREFIXES = tuple(EXCEPT)


@dataclass(frozen=True, slots=True)
class Destinations:
    """An allow-list: E.164 prefixes with their +, as `startswith` takes them."""

    allowed: tuple[str, ...]


#: Russia: geographic codes 3xx, 4xx, 81x-87x and mobile codes 9xx. 80x are services, 88x and
#: 89x are nobody's.
HOME_RU = Destinations(("+73", "+74", *(f"+78{digit}" for digit in range(1, 8)), "+79"))


def refusal(
    e164: str,
    *,
    destinations: Destinations = HOME_RU,
    own_numbers: Set[str] = frozenset(),
) -> Reason | None:
    """DESTINATION if this phone must never be dialed, else None. Any text may be asked."""
    fault = find_fault(e164, destinations=destinations, own_numbers=own_numbers)
    return None if fault is None else Reason.DESTINATION


def find_fault(
    e164: str,
    *,
    destinations: Destinations = HOME_RU,
    own_numbers: Set[str] = frozenset(),
) -> Fault | None:
    """What is wrong with this destination, for the report of an import; None = nothing.

    The sentence never holds the number itself.
    """
    if _E164.fullmatch(e164) is None:
        return Fault.SHORT if _SHORT.fullmatch(e164) else Fault.NOT_E164
    if e164.startswith("+7") and len(e164) != 12:
        return Fault.LENGTH
    if e164.startswith(_NEVER_PREFIXES):
        return _named(e164, NEVER)
    if e164 in own_numbers:
        return Fault.OWN
    if e164.startswith(_EXCEPT_PREFIXES):
        return _excepted(e164, destinations)
    return None if e164.startswith(destinations.allowed) else Fault.NOT_ALLOWED


def _named(e164: str, faults: dict[str, Fault]) -> Fault:
    return faults[max((p for p in faults if e164.startswith(p)), key=len)]


def _excepted(e164: str, destinations: Destinations) -> Fault | None:
    """An exception holds unless the list names a prefix that is as narrow as it."""
    excepted = max((p for p in EXCEPT if e164.startswith(p)), key=len)
    allowed = max((len(p) for p in destinations.allowed if e164.startswith(p)), default=0)
    return None if allowed >= len(excepted) else EXCEPT[excepted]
