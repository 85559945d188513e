"""If these fail, a call goes to another person than was meant, or the carrier shows nobody's
number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.core.numbers.forms import FORMS, caller_of, written

RUSSIAN = st.from_regex(r"\+7[3489][0-9]{9}", fullmatch=True)
FOREIGN = st.from_regex(r"\+(?:1|4[0-9]|9[0-9]{2})[1-9][0-9]{7,11}", fullmatch=True)
ANYTHING = st.text(max_size=25)
PREFIXES = st.from_regex(r"[0-9*]{0,12}", fullmatch=True)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("+e164", "+79161234567"),
        ("e164", "79161234567"),
        ("national8", "89161234567"),
        ("national", "9161234567"),
        ("00e164", "0079161234567"),
    ],
)
def test_a_russian_mobile_in_every_form(form, text):
    assert written("+79161234567", form) == text


@pytest.mark.parametrize("form", ["national8", "national"])
def test_a_foreign_number_has_no_national_form(form):
    """Guessing would call somebody else."""
    assert written("+491711234567", form) is None


def test_prefix_and_sim_port_stand_before_and_a_stripped_plus_is_gone():
    assert written("+79161234567", "national8", strip=1, prefix="02") == "029161234567"
    assert written("+79161234567", "+e164", prefix="9") == "979161234567"
    assert written("+79161234567", "e164", prefix="*55*") == "*55*79161234567"


@given(RUSSIAN | FOREIGN, st.sampled_from(sorted(FORMS)), st.integers(0, 10), PREFIXES)
def test_only_digits_stars_and_one_leading_plus_ever_come_out(e164, form, strip, prefix):
    """A comma or slash in a dial string is a second call at our cost."""
    text = written(e164, form, strip=strip, prefix=prefix)
    if text is not None:
        assert text.removeprefix("+").replace("*", "").isdigit()
        assert text.startswith(prefix)
        assert e164.endswith(text[len(prefix) :].removeprefix("+")[-5:])


@given(ANYTHING, st.sampled_from(sorted(FORMS)))
def test_hostile_text_is_never_written(text, form):
    out = written(text, form)
    assert out is None or (text.startswith("+") and text[1:].isascii() and text[1:].isdigit())


@pytest.mark.parametrize("bad", ["1,2", "a", "#1", " ", "1" * 13, "+"])
def test_a_prefix_of_other_characters_writes_nothing(bad):
    assert written("+79161234567", "e164", prefix=bad) is None


@given(RUSSIAN, st.sampled_from(sorted(FORMS)))
def test_whoever_calls_back_is_recognised_however_the_carrier_shows_him(e164, form):
    """Key 9 of a caller who is not recognised would stop nobody."""
    text = written(e164, form)
    assert text is not None
    assert caller_of(text) == e164


@given(ANYTHING)
def test_a_callers_text_is_a_whole_number_or_nobodys(text):
    found = caller_of(text)
    assert found is None or (found.startswith("+") and found[1:].isdigit() and len(found) > 10)


@pytest.mark.parametrize("text", ["anonymous", "", "112", "79161234567,1", "+7916\n1234567"])
def test_no_number_is_no_caller(text):
    assert caller_of(text) is None
