"""Never dialed: what a CSV, a CRM or an attacker puts into the phone's column."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.core.permission.destinations import (
    EXCEPT,
    HOME_RU,
    NEVER,
    Destinations,
    Fault,
    find_fault,
    refusal,
)
from dialer.core.permission.reasons import Reason


@pytest.mark.parametrize(
    "phone",
    ["+74951234567", "+73833331122", "+78121234567", "+78622123456", "+79161234567"],
)
def test_homes_geographic_and_mobile_codes_are_called(phone):
    assert refusal(phone) is None


@pytest.mark.parametrize(
    ("phone", "fault"),
    [
        # emergency and short, in every dress
        ("101", Fault.SHORT),
        ("102", Fault.SHORT),
        ("103", Fault.SHORT),
        ("104", Fault.SHORT),
        ("112", Fault.SHORT),
        ("+112", Fault.SHORT),
        ("+7112", Fault.SHORT),
        ("+7495123", Fault.SHORT),
        # paid, service, foreign under +7
        ("+78091234567", Fault.PAID),
        ("+78031234567", Fault.PAID),
        ("+78001234567", Fault.SERVICE),
        ("+78041234567", Fault.SERVICE),
        ("+76121234567", Fault.FOREIGN),
        ("+77011234567", Fault.FOREIGN),
        ("+78401234567", Fault.FOREIGN),
        ("+79401234567", Fault.FOREIGN),
        ("+78812345678", Fault.NOT_ALLOWED),
        ("+71123456789", Fault.NOT_ALLOWED),
        # satellite and the world
        ("+870773123456", Fault.SATELLITE),
        ("+881612345678", Fault.SATELLITE),
        ("+88213300655", Fault.SATELLITE),
        ("+883510012345", Fault.SATELLITE),
        ("+8881234567890", Fault.SATELLITE),
        ("+979123456789", Fault.PAID),
        ("+442071234567", Fault.NOT_ALLOWED),
        # not a number
        ("+7916,sofia/gateway/x/900", Fault.NOT_E164),
        ("+79161234567\n", Fault.NOT_E164),
        ("+7916123456٧", Fault.NOT_E164),
        ("79161234567", Fault.NOT_E164),
        ("+09161234567", Fault.NOT_E164),
        ("+7 916 123-45-67", Fault.NOT_E164),
        ("", Fault.NOT_E164),
        ("+1234567890123456", Fault.NOT_E164),
        # a digit too few or too many for Russia
        ("+7916123456", Fault.LENGTH),
        ("+791612345678", Fault.LENGTH),
    ],
)
def test_what_is_never_dialed(phone, fault):
    """R3.12, row by row; the reason is the same word for log, metric and person."""
    assert find_fault(phone) is fault
    assert refusal(phone) is Reason.DESTINATION


def test_our_own_numbers_are_not_called():
    """A campaign that calls its own caller IDs would ring itself round and round."""
    own = frozenset({"+74951230001"})
    assert find_fault("+74951230001", own_numbers=own) is Fault.OWN
    assert find_fault("+74951230002", own_numbers=own) is None


def test_a_country_is_allowed_by_naming_it():
    """An allow-list with Kazakhstan calls Kazakhstan; Abkhazia needs its own, longer prefix."""
    wide = Destinations((*HOME_RU.allowed, "+77"))
    assert refusal("+77011234567", destinations=wide) is None
    assert refusal("+76121234567", destinations=wide) is Reason.DESTINATION
    assert refusal("+79401234567", destinations=wide) is Reason.DESTINATION
    assert refusal("+79401234567", destinations=Destinations(("+7940",))) is None


def test_paid_and_satellite_stay_forbidden_whatever_is_allowed():
    """A careless "+7" or "+8" in the list opens no paid number."""
    everything = Destinations(("+",))
    for prefix in NEVER:
        phone = (prefix + "12345678901")[:12]
        assert refusal(phone, destinations=everything) is Reason.DESTINATION
    for prefix in EXCEPT:
        phone = (prefix + "12345678901")[:12]
        assert refusal(phone, destinations=everything) is Reason.DESTINATION


@given(st.text(max_size=20) | st.from_regex(r"\A\+?[0-9,;/ ]{0,18}\Z"))
def test_whatever_passes_is_plain_digits_of_an_allowed_prefix(text):
    """No text that is dialed holds anything but a plus and ASCII digits, 12 characters long."""
    if refusal(text) is None:
        assert len(text) == 12
        assert set(text[1:]) <= set("0123456789")
        assert text.startswith(HOME_RU.allowed)
        assert not text.startswith((*NEVER, *EXCEPT))


@given(st.integers(0, 10**10 - 1))
def test_russian_numbers_by_their_code(national):
    """Against the plan as written down: 3xx, 4xx, 81x-87x without 840, 9xx without 940."""
    digits = f"{national:010}"
    code = int(digits[:3])
    lawful = 300 <= code < 500 or 810 <= code < 880 or code >= 900
    lawful = lawful and code not in (840, 940)
    assert (refusal("+7" + digits) is None) == lawful
