"""`dialer forecast CAMPAIGN`: what it will do, said beforehand by the core that dials.

Assumptions come from the campaign's history; `--assume` overrides each, `--without-history`
asks no database. Nothing is dialed, nothing is written but the page.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import click
import orjson

from dialer.app import SystemClock, holidays_of
from dialer.cli.bar import Bar
from dialer.cli.options import CONFIG, JSON
from dialer.cli.sheets import print_sheets
from dialer.cli.stores import campaign_named, keep_up, ledger_of, load_for_stores, zone_of
from dialer.core.model import Campaign, Mode, Number
from dialer.core.numbers.pools import may_show, number_day
from dialer.engine.cap_window import rule_of
from dialer.errors import ConfigError, Problem
from dialer.forecast.assumptions import Assumed, Assumption, defaults, stated
from dialer.forecast.fitting import fit, shaped
from dialer.forecast.grid_table import CAPS, table, teams
from dialer.forecast.interval import ENOUGH
from dialer.forecast.outcome import Outcome, outcome
from dialer.forecast.pace import MODES
from dialer.forecast.page import forecast_page
from dialer.forecast.question import Question, next_opening, shifts_from
from dialer.forecast.runs import cores, courses
from dialer.forecast.sheets import as_plain, forecast_sheets, headline
from dialer.ports import QueuePart
from dialer.settings.cells import read_instant
from dialer.settings.loading import Loaded, load

#: So many days of history are looked at.
HISTORY_DAYS = 28


@click.command()
@click.argument("campaign")
@click.option("--operators", type=click.IntRange(1, 2000), help="Default: those of its group.")
@click.option("--hours", type=click.FloatRange(0.1, 16), default=8.0, show_default=True)
@click.option("--days", type=click.IntRange(1, 60), default=1, show_default=True)
@click.option("--seeds", type=click.IntRange(1, 1000), default=ENOUGH, show_default=True)
@click.option("--from", "begins", help="2026-11-25T09:00; default: its hours' next opening.")
@click.option("--assume", "assumptions", multiple=True, help="answer_rate=30%, talk_s=90, ...")
@click.option("--without-history", is_flag=True, help="Ask no database.")
@click.option(
    "--pacing",
    type=click.Choice([one.value for one in MODES]),
    help="Default: as the campaign's file says.",
)
@click.option("--table/--no-table", "with_table", default=True, help="Operators and cap.")
@click.option("--fine", is_flag=True, help="Decide as often as the daemon: slower.")
@click.option("--jobs", type=click.IntRange(1, 64), help="Processes; default: the cores.")
@click.option(
    "--html",
    "page",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write one self-contained page there.",
)
@CONFIG
@JSON
def forecast_command(
    *,
    campaign: str,
    operators: int | None,
    hours: float,
    days: int,
    seeds: int,
    begins: str | None,
    assumptions: tuple[str, ...],
    without_history: bool,
    pacing: str | None,
    with_table: bool,
    fine: bool,
    jobs: int | None,
    page: Path | None,
    config: Path,
    as_json: bool,
) -> None:
    """Say what a campaign will do, before it is started."""
    overrides = stated(assumptions)
    loaded = load(config, secrets_needed=False) if without_history else load_for_stores(config)
    chosen = campaign_named(loaded, campaign)
    asked = _Asked(loaded, chosen, datetime.now(UTC))
    question = replace(
        asked.question(overrides, begins, days, with_history=not without_history),
        lasts_s=hours * 3600.0,
        fine=fine,
    )
    if operators is not None:
        question = replace(question, operators=operators)
    if pacing is not None:
        question = replace(question, mode=Mode(pacing))
    found = _found(question, seeds, jobs or cores(), with_table=with_table)
    if page is not None:
        _write(page, forecast_page(found))
        click.echo(f"written: {page}", err=as_json)
    if as_json:
        click.echo(orjson.dumps(as_plain(found)))
    elif page is None:
        print_sheets(forecast_sheets(found), headline(found))


class _Asked:
    """What configuration and history say of a campaign."""

    def __init__(self, loaded: Loaded, campaign: Campaign, now: datetime) -> None:
        self._settings = loaded.settings
        self._campaign = campaign
        self._now = now
        self._zone = zone_of(campaign)
        self._holidays = holidays_of(loaded.settings, SystemClock())(campaign)

    def question(
        self,
        overrides: Mapping[str, Assumption],
        begins: str | None,
        days: int,
        *,
        with_history: bool,
    ) -> Question:
        """Raises ConfigError, StoreError."""
        settings, campaign = self._settings, self._campaign
        numbers = [
            one
            for one, _ in may_show(
                settings.pools.get(campaign.pool, ()), campaign.gateways, campaign.gateways
            )
        ]
        first = self._begins(begins)
        assumed, queue, used = self._known(overrides, numbers, first, with_history)
        gateways = [settings.gateways[name] for name in campaign.gateways]
        group = settings.groups[campaign.group]
        own = [one for one in settings.operators.values() if campaign.group in one.groups]
        return Question(
            campaign=campaign,
            rule=rule_of(campaign),
            mode=self._mode(),
            operators=max(1, len(own)),
            lasts_s=0.0,
            shifts=shifts_from(first, days, campaign, self._zone, self._holidays),
            zone=self._zone,
            assumed=assumed,
            numbers=numbers,
            used=used,
            queue=queue,
            holidays=self._holidays,
            calls_per_s=min(
                settings.switch.calls_per_s, sum(one.calls_per_s for one in gateways)
            ),
            calls_at_once=min(
                settings.switch.calls_at_once, sum(one.calls_at_once for one in gateways)
            ),
            strategy=group.strategy,
            wrapup_most_s=group.wrapup_s if campaign.wrapup_s is None else campaign.wrapup_s,
        )

    def _mode(self) -> Mode:
        if self._campaign.mode not in MODES:
            what = f"mode {self._campaign.mode.value} waits for people who press buttons"
            remedy = f"--pacing with one of: {', '.join(one.value for one in MODES)}"
            raise ConfigError([Problem(place="forecast", what=what, remedy=remedy)])
        return self._campaign.mode

    def _begins(self, text: str | None) -> datetime:
        if text is None:
            return next_opening(self._now, self._campaign, self._zone, self._holidays)
        begins = read_instant(text, self._zone)
        if begins is None:
            what, remedy = "is no time", "2026-11-25T09:00"
            raise ConfigError([Problem(place="--from", what=what, remedy=remedy)])
        return begins.astimezone(ZoneInfo(self._zone))

    def _known(
        self,
        overrides: Mapping[str, Assumption],
        numbers: Sequence[Number],
        first: datetime,
        with_history: bool,
    ) -> tuple[Assumed, Sequence[QueuePart], Sequence[int]]:
        """Assumptions, whom the campaign may still dial, what stands against each number."""
        if not with_history:
            return shaped({**defaults(), **overrides}), (), ()
        campaign, zone = self._campaign, self._zone
        since = self._now - timedelta(days=HISTORY_DAYS)
        with ledger_of(self._settings) as ledger:
            keep_up(ledger, campaign, self._now)
            assumed = fit(ledger.past, campaign.name, (since, self._now), zone, overrides)
            queue = ledger.past.queue(campaign.name, zone, first)
            days = [number_day(one, first) for one in numbers]
            charges = ledger.charges(sorted(set(days)))
        used = [charges.get((one.id, day), 0) for one, day in zip(numbers, days, strict=True)]
        return assumed, queue, used


def _found(question: Question, seeds: int, jobs: int, *, with_table: bool) -> Outcome:
    """The courses and the table, with one bar for both."""
    cells = len(teams(question.operators)) * (len(CAPS) + 1) if with_table else 0
    # A cell is about as much work as this part of a shift.
    each = 0.1
    parts: dict[int, float] = {}
    with Bar(seeds * question.days + cells * each, "simulating") as bar:
        show = bar.part()

        def progress(seed: int, part: float) -> None:
            # A seed's shifts come one after another, each from 0 to 1.
            whole = math.floor(parts.get(seed, 0.0))
            if part < parts.get(seed, 0.0) - whole:
                whole += 1
            parts[seed] = whole + part
            show(sum(parts.values()))

        done = courses(question, range(seeds), jobs=jobs, progress=progress)
        parts = {seed: float(question.days) for seed in range(seeds)}
        bar.finish(seeds * question.days)
        found = table(question, progress=lambda: bar.finish(each)) if with_table else []
    return outcome(question, done, found)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        what = f"cannot be written: {error.strerror or error}"
        raise ConfigError([Problem(place=str(path), what=what)]) from error
