"""What a supervisor would lose: a forecast of his campaign, from what it has really done."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import orjson
import psycopg

from tests.cli.conftest import Ended

Dialer = Callable[..., Ended]
SHORT = ("--hours", "0.1", "--seeds", "2", "--jobs", "1", "--no-table")

PAST = """
INSERT INTO attempts (id, campaign, contact_id, phone_id, number, number_day, gateway, instance,
    tier, grounds, committed_at, dialed_at, rang_at, answered_at, ended_at, disposition,
    wait_ms, talk_ms, operator)
SELECT gen_random_uuid(), 'spring', e.contact_id, p.phone_id, '+74951230001', current_date,
    'alpha', 'first', 1, '{}', at, at, at + interval '1 s',
    CASE WHEN n % 4 = 0 THEN at + interval '9 s' END, at + interval '60 s',
    CASE WHEN n % 4 = 0 THEN 'talked' ELSE 'no_answer' END,
    CASE WHEN n % 4 = 0 THEN 100 END, CASE WHEN n % 4 = 0 THEN 50000 END,
    CASE WHEN n % 4 = 0 THEN 'anna' END
FROM generate_series(1, 200) AS n
CROSS JOIN LATERAL (SELECT now() - n * interval '5 min' AS at) AS t
CROSS JOIN LATERAL (SELECT contact_id FROM list_entries LIMIT 1) AS e
JOIN contact_phones AS p ON p.contact_id = e.contact_id
"""


def test_a_forecast_rests_on_what_the_campaign_has_done(
    dialer: Dialer, folder: Path, dsn: str
) -> None:
    people = "Телефон;ФИО;Согласие;Согласие цель;Подтверждение согласия\n"
    people += "+7 495 200-00-01;Анна;2026-01-01;sales;form 1\n"
    (folder / "people.csv").write_text(people, encoding="utf-8")
    assert dialer("migrate").code == 0
    assert dialer("import", "people.csv", "--list", "people").code == 0
    assert dialer("plan", "spring", "--json").code == 0  # enrols
    with psycopg.connect(dsn) as connection:
        connection.execute(PAST)
    ended = dialer("forecast", "spring", "--json", *SHORT)
    assert ended.code == 0, ended.err
    told = orjson.loads(ended.out)
    by_name = {one["name"]: one for one in told["assumptions"]}
    assert by_name["answer_rate"]["source"] == "history"
    assert 0.2 < by_name["answer_rate"]["value"] < 0.3
    assert by_name["talk_s"]["value"] == 50.0
    assert by_name["ring_s"]["observations"] == 50
    assert by_name["wrapup_s"]["source"] == "default"
    assert told["operators"] == 1


def test_without_a_database_everything_is_stated_or_a_default(
    dialer: Dialer, folder: Path
) -> None:
    ended = dialer(
        "forecast", "spring", "--without-history", "--assume", "answer_rate=40%",
        "--html", "page.html", *SHORT, DIALER_POSTGRESQL_DSN="", DIALER_REDIS_URL="",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    assert "40.0 %" in (folder / "page.html").read_text(encoding="utf-8")


def test_what_is_wrong_is_one_sentence_each(dialer: Dialer) -> None:
    ended = dialer("forecast", "spring", "--assume", "answer_rate=0.4", *SHORT)
    assert ended.code == 2
    assert "did you mean 40 %?" in ended.err
    assert dialer("simulate", "drfit:5").code == 2


def test_a_simulation_scores_each_pacing(dialer: Dialer) -> None:
    ended = dialer(
        "simulate", "steady:4", "--hours", "0.1", "--seeds", "1", "--json",
        "--pacing", "progressive", "--pacing", "power",
    )  # fmt: skip
    told = orjson.loads(ended.out)
    assert set(told) == {"progressive", "power"}
    assert told["progressive"]["abandonment"] == 0.0
