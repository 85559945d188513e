"""`dialer why`, `dialer why-not`: the answer to "who called me and on what ground?" (R6.8)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from dialer.core.permission.reasons import Reason
from dialer.core.permission.russian import SENTENCES_RU
from tests.cli.conftest import Ended
from tests.contract.ledger.world import World, campaign, phone

Dialer = Callable[..., Ended]
PHONE = phone(1).digits


@pytest.fixture
def one(world: World) -> World:
    world.people(1)
    world.save(campaign())
    return world


def test_every_reason_is_said_in_russian_too() -> None:
    assert set(SENTENCES_RU) == set(Reason)


def test_why_not_tells_the_reason_that_holds_now(dialer: Dialer, one: World) -> None:
    """In the words of the one decision, for the terminal and for a machine."""
    told = dialer("why-not", PHONE)
    assert (told.err, told.out.splitlines()[0]) == ("", "spring: may be called now")
    dialer("stoplist", "add", PHONE)
    said = dialer("why-not", PHONE).out.splitlines()
    assert said[0] == "spring: is not called: on the stop list"
    assert said[1] == (
        "in 30 days: tries: 0, talks: 0, refusals: 0, hung up within 3 s: 0,"
        " wishes not to be called: 1, complaints: 0"
    )
    russian = dialer("why-not", PHONE, "--language", "ru", "--campaign", "spring")
    assert russian.out.startswith("spring: звонка не будет: номер в стоп-листе\nза 30 дней:")
    told = orjson.loads(dialer("why-not", PHONE, "--json").out)
    assert told["phone"] == "+7495*****01"
    assert [answer["reason"] for answer in told["answers"]] == ["stop"]
    assert PHONE not in str(told)


def test_why_not_of_a_phone_that_nobody_knows(dialer: Dialer, world: World) -> None:
    assert dialer("why-not", "+79161234567").out.startswith("the base does not know this phone")


def test_why_shows_the_grounds_as_they_stood(dialer: Dialer, one: World, folder: Path) -> None:
    """What changes later must not change the answer: consent and counts of then."""
    now = datetime.now(UTC)
    (entry,) = one.entries(campaign(), now=now)
    (answer,) = one.commit(campaign(), [entry], now, number_day=one_day(now))
    assert answer.committed, answer
    dialer("consent", "withdraw", PHONE)
    ended = dialer("why", answer.attempt_id, "--language", "ru")
    assert ended.code == 0, ended.err
    assert "кампания" in ended.out
    assert "2026-01-01T00:00:00+00:00" in ended.out
    assert dialer("why", answer.attempt_id, "--file", "answer.json").code == 0
    written = orjson.loads((folder / "answer.json").read_bytes())
    assert written["attempt"]["grounds"]["at_commit"]["today"] == 0
    assert written["attempt"]["phone"] == "+7495*****01"
    assert {"en", "ru"} <= written.keys()
    assert PHONE not in (folder / "answer.json").read_text(encoding="utf-8")


def test_every_call_to_a_phone_with_its_grounds_and_its_proof_in_one_file(
    dialer: Dialer, one: World, folder: Path
) -> None:
    """Who is asked by a supervising body has a number and a day, not an attempt's id."""
    now = datetime.now(UTC)
    (entry,) = one.entries(campaign(), now=now)
    one.commit(campaign(), [entry], now, number_day=one_day(now))
    assert dialer("why", PHONE, "--file", "answer.json").code == 0
    text = (folder / "answer.json").read_text(encoding="utf-8")
    (answer,) = orjson.loads(text)["attempts"]
    assert answer["attempt"]["consent"]["evidence"] == "form 7"
    assert ["its evidence", "form 7"] in answer["en"]
    assert ["чем подтверждено", "form 7"] in answer["ru"]
    assert PHONE not in text
    assert "form 7" in dialer("why", PHONE).out
    assert dialer("why", phone(9).digits).code == 1


def one_day(now: datetime) -> object:
    """The day in the number's own zone."""
    from zoneinfo import ZoneInfo

    return now.astimezone(ZoneInfo("Europe/Moscow")).date()


def test_an_attempt_that_is_none(dialer: Dialer, one: World) -> None:
    assert dialer("why", "spring").code == 2
    missing = dialer("why", "00000000-0000-0000-0000-000000000000")
    assert (missing.code, missing.err) == (1, "there is no such attempt\n")
