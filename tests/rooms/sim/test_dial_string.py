"""The dial string is taken apart as the C parser does it (freeswitch.md 8, tested there). If it
were kinder, a daemon's injection would look harmless here and be a second call over there.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.sim.dial_string import (
    Application,
    UsageError,
    parse_block,
    parse_inline,
    parse_originate,
    split_at,
    split_words,
)


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("{a='x,y',b=1}sofia/gateway/g/1 &park()", {"a": "x", "b": "1"}),
        (r"{a=x\,y}sofia/gateway/g/1 &park()", {"a": "x,y"}),
        (r"{a=\'x,y\'}sofia/gateway/g/1 &park()", {"a": "x,y"}),
        ("{^^;a=x,y;b=1}sofia/gateway/g/1 &park()", {"a": "x,y", "b": "1"}),
        (r"{a=+7200\sALLOTTED}sofia/gateway/g/1 &park()", {"a": "+7200 ALLOTTED"}),
        ("{a=,b=1}sofia/gateway/g/1 &park()", {"b": "1"}),
        ("{a=x=y,b=Иван}sofia/gateway/g/1 &park()", {"a": "x=y", "b": "Иван"}),
        (
            r"{a=x,api_on_answer=system\sid}sofia/gateway/g/1 &park()",
            {"a": "x", "api_on_answer": "system id"},
        ),
    ],
)
def test_variables_come_out_as_the_real_parser_gives_them(
    text: str, variables: dict[str, str]
) -> None:
    assert parse_originate(text).variables == variables


def test_a_brace_in_a_value_ends_the_block() -> None:
    parsed = parse_originate("{a=x}y,b=1}sofia/gateway/g/1 &park()")
    assert parsed.variables == {"a": "x"}
    assert parsed.legs[0].kind == "unknown"


@pytest.mark.parametrize(
    "text",
    ["", "foo", "{a=x y}sofia/gateway/g/1", "{name=O'Brien}sofia/gateway/g/1 &park()"],
)
def test_a_command_that_falls_apart_is_usage(text: str) -> None:
    if text == "{a=x y}sofia/gateway/g/1":
        assert parse_originate(text).legs[0].kind != "gateway"
        return
    with pytest.raises(UsageError):
        parse_originate(text)


@pytest.mark.parametrize("separator", [",", "|", ":_:"])
def test_separators_in_a_number_make_more_legs(separator: str) -> None:
    legs = parse_originate(f"sofia/gateway/g/7916{separator}sofia/gateway/h/900 &park()").legs
    assert [(leg.gateway, leg.number) for leg in legs] == [("g", "7916"), ("h", "900")]


def test_the_proven_template_is_understood() -> None:
    parsed = parse_originate(
        r"{origination_uuid=u,execute_on_answer=sched_hangup\s+7200}sofia/gateway/g/7916 "
        "'m:^:event:Event-Name=CUSTOM,Event-Subclass=dialer::ready"
        "^playback:silence_stream://1800^playback:/a/b.wav^hangup:NORMAL_CLEARING' inline"
    )
    assert parsed.variables["execute_on_answer"] == "sched_hangup +7200"
    assert parsed.script == (
        Application("event", "Event-Name=CUSTOM,Event-Subclass=dialer::ready"),
        Application("playback", "silence_stream://1800"),
        Application("playback", "/a/b.wav"),
        Application("hangup", "NORMAL_CLEARING"),
    )


def test_an_odd_quote_in_the_target_makes_it_an_extension() -> None:
    parsed = parse_originate("sofia/gateway/g/7916 'm:^:park: inline")
    assert parsed.script is None
    assert parsed.legs[0].number == "7916"


def test_inline_splits_at_commas_by_itself() -> None:
    assert parse_inline("sleep:100,hangup:USER_BUSY") == (
        Application("sleep", "100"),
        Application("hangup", "USER_BUSY"),
    )


@given(st.text(max_size=200))
def test_no_text_breaks_the_parser(text: str) -> None:
    split_words(text)
    split_at(text, ",")
    parse_block(text, "{", "}")
    try:
        parse_originate(text)
    except UsageError:
        assert not 2 <= len(split_words(text)) <= 7


@given(st.lists(st.from_regex(r"[A-Za-z0-9_+./:=-]{1,20}", fullmatch=True), max_size=7))
def test_plain_words_come_out_as_they_went_in(words: list[str]) -> None:
    assert split_words(" ".join(words)) == words
