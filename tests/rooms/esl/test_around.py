"""What the switch kept of people who called back: other people's text, cut, doubled or hostile.

Losing it, somebody who said "never again" is called again.
"""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from dialer.esl.caller_stops import Journal, in_globals, in_journal

CALL = "11111111-2222-4333-8444-555555555555"
OTHER = "66666666-7777-4888-9999-aaaaaaaaaaaa"


def test_a_caller_is_read_from_the_switchs_variables():
    text = f"hostname=x\ndialer_caller_out_{CALL}=89161234567\ndialer_opt_out_{OTHER}=9\n"
    assert [(one.call, one.caller) for one in in_globals(text)] == [(CALL, "+79161234567")]


def test_a_hidden_number_is_told_so_that_it_is_forgotten_and_stops_nobody():
    (one,) = in_globals(f"dialer_caller_out_{CALL}=anonymous")
    assert one.caller is None


@given(st.text(max_size=200))
def test_no_text_of_a_switch_or_file_stops_anybody_by_accident(text: str):
    for one in (*in_globals(text), *in_journal(text)):
        assert one.caller is None or one.caller.startswith("+")


def test_a_journal_is_read_when_it_has_grown(tmp_path: Path):
    """It is looked at each 20 s for years: an unchanged file costs one stat."""
    path = tmp_path / "dialer_opt_out.csv"
    journal = Journal(path)
    assert journal.read() == []  # nobody has pressed 9 yet
    path.write_text(f"1795553867;{CALL};+79161234567;84950000101\n;broken\n1;{OTHER};8916")
    assert [(one.call, one.caller) for one in journal.read()] == [(CALL, "+79161234567")]
    assert journal.read() == []
    with path.open("a") as file:
        file.write(f"1234568;84950000101\n{os.linesep}")
    assert [one.call for one in journal.read()] == [CALL, OTHER]


def test_a_journal_that_cannot_be_read_holds_up_nothing(tmp_path: Path):
    assert Journal(tmp_path).read() == []  # a folder
