"""The ledger's SQL files: losing this, a verb prints a library's warning before its answer."""

from __future__ import annotations

import logging

import pytest

from dialer.ledger.statements import FOLDER, statements

NOUNS = sorted(file.stem for file in FOLDER.glob("*.sql"))


@pytest.mark.parametrize("noun", NOUNS)
def test_every_statement_says_whether_it_answers_with_rows(
    noun: str, caplog: pytest.LogCaptureFixture
):
    """One that changes and returns nothing is named with a sign behind it: `name(...)!`."""
    statements.cache_clear()
    with caplog.at_level(logging.WARNING):
        assert statements(noun)
    assert caplog.messages == []
