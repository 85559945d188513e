"""If these fail, somebody is called at night, a wrong person is called, or a dial string
gets in."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import phonenumbers
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from phonenumbers import carrier, geocoder, timezone

from dialer.core.permission.destinations import Destinations, find_fault
from dialer.ports import ImportedPhone
from dialer.settings.phones import (
    INVALID,
    STRAY,
    Parsed,
    PhoneReader,
    carrier_of,
    parse_phone,
    split_phones,
)
from dialer.settings.russia import Region, numbering_plan

PLAN = numbering_plan()


@pytest.mark.parametrize(
    ("text", "digits", "kind", "extension"),
    [
        ("+79161234567", "+79161234567", "mobile", None),
        ("89161234567", "+79161234567", "mobile", None),
        ("79161234567", "+79161234567", "mobile", None),
        ("9161234567", "+79161234567", "mobile", None),
        (" 8 (916) 123-45-67 ", "+79161234567", "mobile", None),
        ("8\u00a0916\u00a0123\u201145\u201167", "+79161234567", "mobile", None),
        ("8 (495) 123-45-67", "+74951234567", "landline", None),
        ("495 1234567", "+74951234567", "landline", None),
        ("8 (495) 123-45-67 доб. 12", "+74951234567", "landline", "12"),
        ("8 (495) 123-45-67 ext 12", "+74951234567", "landline", "12"),
        ("8 800 555-35-35", "+78005553535", "toll_free", None),
        ("+44 20 7946 0958", "+442079460958", "landline", None),
        ("+7 701 000 12 34", "+77010001234", "mobile", None),
        ("8 930 010 00 00", "+79300100000", "mobile", None),
    ],
)
def test_a_phone_is_read_however_it_is_written(text, digits, kind, extension):
    assert parse_phone(text) == Parsed(digits, kind, extension)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("+7916,sofia/gateway/x/900", STRAY),
        ("79161234567,sofia/gateway/x/900", STRAY),
        ("+79161234567\n", None),
        ("79161234567|originate", STRAY),
        ("{origination_uuid=1}79161234567", STRAY),
        ("79161234567 &park()", STRAY),
        ("user/101@pbx", STRAY),
        ("8-800-FLOWERS", STRAY),
        ("7.9161E+10", STRAY),
        ("tel:+79161234567", STRAY),
        ("+79161234567;ext=12", STRAY),
        ("5" * 61, STRAY),
        ("", STRAY),
        ("112", INVALID),
        ("101", INVALID),
        ("+7916", INVALID),
        ("+8 916 123 45 67", INVALID),
        ("8 000 000 00 00", INVALID),
        ("8 (858) 123-45-67", INVALID),
        ("93001234567", INVALID),
        ("+7 495 123 45 67 89", INVALID),
    ],
)
def test_what_is_no_phone_is_refused(text, why):
    """The text would stand in an originate: one comma is a second leg at our cost."""
    found = parse_phone(text)
    assert found == why or (why is None and found == Parsed("+79161234567", "mobile"))


def read(text: str, card: Region | None) -> ImportedPhone:
    """A phone that must be good."""
    found = PhoneReader().read(text, card)
    assert not isinstance(found, str)
    return found


def by_library(text):
    """What phonenumbers alone says of a number."""
    try:
        number = phonenumbers.parse(text, "RU")
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    kinds = {0: "landline", 1: "mobile", 2: "landline", 3: "toll_free", 4: "paid"}
    return (
        phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164),
        kinds.get(phonenumbers.number_type(number), "other"),
        number.extension or None,
    )


national = st.from_regex(r"[0-9]{10}", fullmatch=True) | st.from_regex(
    r"(?:[3489][0-9]{2}|930)[0-9]{7}", fullmatch=True
).map(lambda text: text[:10])
prefix = st.sampled_from(["", "8", "7", "+7", "+8", "8 ", "+7 ", "7-", "(8)", "+ 7"])
form = st.sampled_from(["{}", "({}) {}-{}-{}", "{} {} {} {}", "{}-{}{}{}", "{} {}-{} {}"])


@given(prefix, national, form)
@settings(max_examples=400)
def test_the_fast_path_says_what_phonenumbers_says(before, digits, shape):
    """A quick import that disagrees with the plan calls people who do not exist, or misses."""
    parts = [digits] if shape == "{}" else [digits[:3], digits[3:6], digits[6:8], digits[8:]]
    text = before + shape.format(*parts)
    found = parse_phone(text)
    expected = by_library(text)
    assert found == expected if expected is not None else isinstance(found, str)


def test_every_code_of_the_plan_is_one_of_the_library_and_the_other_way_round():
    """A code that is missing here is a region that is never dialed."""
    library = {
        str(code)
        for code in [*range(300, 500), *range(800, 900)]
        if (found := by_library(f"+7{code}2345678")) and found[1] == "landline"
    }
    assert library - {"840"} == set(PLAN.by_code)  # 840 is Abkhazia: foreign, never placed


def test_every_zone_is_known_to_this_machine():
    for region in PLAN.by_name.values():
        assert region.zones
        for zone in region.zones:
            ZoneInfo(zone)


def offsets(zones):
    """UTC offsets of the zones, summer and winter."""
    days = (datetime(2026, 1, 15, 12, tzinfo=UTC), datetime(2026, 7, 15, 12, tzinfo=UTC))
    return {
        tuple(float(day.astimezone(ZoneInfo(zone)).strftime("%z")) / 100 for day in days)
        for zone in zones
    }


#: Codes whose hours differ from phonenumbers': theirs -> ours (winter, summer).
OTHER_HOURS = {
    "336": ({(5, 5)}, {(5, 5)}),
    "401": ({(2, 3)}, {(2, 2)}),
    "411": ({(9, 9)}, {(9, 9), (10, 10), (11, 11)}),
    "845": ({(3, 3)}, {(4, 4)}),
}


def test_each_difference_from_the_librarys_zones_is_meant():
    """An hour wrong is a call at seven in the morning; a new version must not slip one in."""
    differing = {}
    for code, region in PLAN.by_code.items():
        theirs = offsets(
            timezone.time_zones_for_number(phonenumbers.parse(f"+7{code}2345678", "RU"))
        )
        if theirs != offsets(region.zones):
            differing[code] = (theirs, offsets(region.zones))
    assert differing == {code: pair for code, pair in OTHER_HOURS.items() if pair[0] != pair[1]}


#: Codes whose Russian name by phonenumbers does not lead to our region.
OTHER_REGIONS = {
    "495": ("Московская обл.", "Москва"),
    "496": ("г. Москва", "Московская область"),
    "857": ("Луга́нская Наро́дная Респу́блика", "Луганская Народная Республика"),
}


def test_each_difference_from_the_librarys_regions_is_meant():
    """The region decides which of our numbers is shown, and what a rule matches."""
    differing = {}
    for code, region in PLAN.by_code.items():
        theirs = geocoder.description_for_number(
            phonenumbers.parse(f"+7{code}2345678", "RU"), "ru"
        )
        if PLAN.named(theirs) != region:
            differing[code] = (theirs, region.name)
    assert differing == OTHER_REGIONS


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Москва", "Москва"),
        ("г. Москва", "Москва"),
        ("МОСКВА Г", "Москва"),
        ("Moscow", "Москва"),
        ("Московская обл.", "Московская область"),
        ("московская", "Московская область"),
        ("Респ Татарстан", "Республика Татарстан"),
        ("Казань", "Республика Татарстан"),
        ("алтайский край", "Алтайский край"),
        ("Алтай", "Республика Алтай"),
        ("Орёл", "Орловская область"),
        ("спб", "Санкт-Петербург"),
        ("ХМАО", "Ханты-Мансийский автономный округ — Югра"),
    ],
)
def test_a_region_is_found_however_it_is_abbreviated(written, name):
    region = PLAN.named(written)
    assert region is not None and region.name == name


@pytest.mark.parametrize("written", ["", "?", "Лондон", "область", "республика"])
def test_no_region_is_guessed(written):
    assert PLAN.named(written) is None


def test_a_mobile_is_placed_by_its_card_only():
    """Number portability: the prefix of a mobile says nothing about where it is."""
    assert read("+79161234567", None).zones == ()
    assert read("+79161234567", None).region is None
    placed = read("+79161234567", PLAN.named("Приморский край"))
    assert (placed.region, placed.zones) == ("Приморский край", ("Asia/Vladivostok",))


def test_a_landline_whose_card_is_elsewhere_may_lie_in_both_zones():
    """R3.6: dialed only in hours lawful in all."""
    placed = read("+74951234567", PLAN.named("Хабаровск"))
    assert placed.region == "Москва"
    assert placed.zones == ("Europe/Moscow", "Asia/Vladivostok")
    assert read("+74951234567", PLAN.named("г. Москва")).zones == ("Europe/Moscow",)
    assert read("+74951234567", None).zones == ("Europe/Moscow",)
    assert len(read("+74112345678", None).zones) == 3  # Yakutia


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("8 809 505 00 00", "is a paid number"),
        ("8 800 555 35 35", "is a service or toll-free number, not a person's"),
        ("+7 701 000 12 34", "is a foreign number"),
        ("+7 840 200 12 34", "is a foreign number"),
        ("+44 20 7946 0958", "is outside the allowed destinations"),
        ("+7 495 000 01 01", "is one of our own numbers"),
    ],
)
def test_what_must_never_be_dialed_is_refused_at_import(text, why):
    reader = PhoneReader(own_numbers=frozenset({"+74950000101"}))
    assert reader.read(text, None) == why
    assert reader.read(text, None) == why  # and from memory


def test_an_allowed_foreign_number_lies_in_its_own_zones():
    abroad = PhoneReader(destinations=Destinations(("+44",)))
    found = abroad.read("+44 20 7946 0958", None)
    assert not isinstance(found, str)
    assert (found.digits, found.zones) == ("+442079460958", ("Europe/London",))
    assert abroad.read("+79161234567", None) == "is outside the allowed destinations"


allowed = st.lists(
    st.from_regex(r"\+7[0-9]{0,8}", fullmatch=True).map(str.strip), min_size=1, max_size=4
)


@given(allowed, st.lists(st.from_regex(r"\+7[3489][0-9]{9}", fullmatch=True), max_size=20))
@settings(max_examples=60)
def test_what_is_remembered_of_a_prefix_is_true_of_every_number(prefixes, numbers):
    """The reader asks the core once for a prefix: it must never let another number through."""
    destinations = Destinations(tuple(prefixes))
    own = frozenset(numbers[:2])
    reader = PhoneReader(destinations=destinations, own_numbers=own)
    for digits in numbers:
        if not isinstance(parse_phone(digits), Parsed) or len(digits) != 12:
            continue
        fault = find_fault(digits, destinations=destinations, own_numbers=own)
        found = reader.read(digits, None)
        told = found if isinstance(found, str) else found.digits
        assert told == (f"is {fault.value}" if fault else digits)


@given(st.from_regex(r"\+79[0-9]{9}", fullmatch=True).map(lambda text: text[:12]))
@settings(max_examples=150)
def test_the_carrier_is_the_librarys(digits):
    number = phonenumbers.parse(digits)
    assume(phonenumbers.is_valid_number(number))
    theirs = carrier.name_for_number(number, "en")
    assert (carrier_of(digits) or "") == theirs
    assert (carrier_of(digits) or "") == theirs


def test_several_phones_in_a_cell_are_cut_only_where_each_is_one():
    two = ["8 916 123-45-67", " 8 495 123-45-67"]
    assert split_phones(";".join(two)) == two
    assert split_phones(",".join(two)) == two
    assert split_phones("8(916)1234567/8(495)1234567") == ["8(916)1234567", "8(495)1234567"]
    for whole in ("79161234567,sofia/gateway/x/900", "8 495 123-45-67, 12", "89161234567"):
        assert split_phones(whole) == [whole]


@given(st.text("0123456789+-()., /;|доб&{}x\n\t\u0665\uff11", max_size=40))
@settings(max_examples=300)
def test_whatever_stands_in_a_cell_only_clean_numbers_come_out(text):
    """E.164 and digits: the last wall before the dial string is not the only one."""
    for piece in split_phones(text):
        found = PhoneReader().read(piece, None)
        if not isinstance(found, str):
            assert found.digits.isascii() and found.digits[1:].isdigit()
            assert found.digits[0] == "+" and 11 <= len(found.digits) <= 16
            assert found.extension is None or found.extension.isdigit()
