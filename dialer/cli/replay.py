"""`dialer replay DAY`: a recorded day of pacing through the same core, or through another."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import click
import orjson

from dialer.app import diary_folder
from dialer.cli.options import CONFIG, JSON
from dialer.cli.stores import campaign_named, load_for_stores
from dialer.core.model import InstanceName, Mode
from dialer.diary.files import days, lines
from dialer.diary.replay import replay
from dialer.diary.values import Difference, Replayed, Told

PACINGS = [mode.value for mode in Mode if mode is not Mode.PREVIEW]


def _day(context: click.Context, parameter: click.Parameter, value: str) -> date | str:
    if value == "last":
        return value
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise click.BadParameter("is not a day: like 2026-11-24, or last") from None


@click.command()
@click.argument("day", callback=_day)
@click.option("--campaign", help="Only this one.")
@click.option("--pacing", type=click.Choice(PACINGS), help="Decide by this one instead.")
@click.option("--daemon", help="The diary of this daemon (default: the configured one's).")
@CONFIG
@JSON
def replay_command(
    day: date | str,
    campaign: str | None,
    pacing: str | None,
    daemon: str | None,
    config: Path,
    as_json: bool,
) -> None:
    """Decide a recorded DAY (UTC) again: the same decisions, or where another pacing parts.

    Exit code 1 where the same pacing decides otherwise: another version, or another machine.
    """
    loaded = load_for_stores(config)
    chosen = None if campaign is None else campaign_named(loaded, campaign).name
    folder = diary_folder(InstanceName(daemon or loaded.settings.instance))
    if day == "last":
        known = days(folder)
        day = known[-1] if known else datetime.now(UTC).date()
    assert isinstance(day, date)
    found = replay(
        lines(folder, day), campaign=chosen, pacing=None if pacing is None else Mode(pacing)
    )
    if as_json:
        click.echo(orjson.dumps(_json(day, found)))
    else:
        for line in told(day, found, pacing):
            click.echo(line)
    if pacing is None and found.equal < found.decisions:
        raise click.exceptions.Exit(1)


def told(day: date, found: Replayed, pacing: str | None) -> list[str]:
    """What a person reads."""
    if not found.decisions:
        return [f"{day}: no decision was recorded"]
    span = f"{_clock(found.begins)} to {_clock(found.ends)} UTC"
    part = "all" if found.equal == found.decisions else f"{found.equal / found.decisions:.2%}"
    text = [
        f"{day}, {span}: {found.decisions} decisions, {part} equal"
        + (f" with {pacing}" if pacing else ""),
        f"launched {found.launched[0]} then, {found.launched[1]} now;"
        f" given up {found.cancelled[0]} then, {found.cancelled[1]} now",
    ]
    if found.damaged:
        text.append(f"{found.damaged} lines could not be read (a daemon was killed)")
    if found.first is not None:
        first = found.first
        text += [
            f"first difference: {first.at.isoformat()} {first.campaign} ({first.group})",
            f"  then {_numbers(first.then)}",
            f"  now  {_numbers(first.now)}",
            *(f"  {sentence}" for sentence in first.why.split(" | ")),
        ]
    return text


def _clock(at: datetime | None) -> str:
    return "" if at is None else f"{at:%H:%M:%S}"


def _numbers(one: Told) -> str:
    refused = "" if one.refused is None else f", the next one at a risk of {one.refused:.4f}"
    return f"launch {one.launch}, give up {one.cancel}, bound by {one.binding}{refused}"


def _json(day: date, found: Replayed) -> dict[str, Any]:
    return {
        "day": day.isoformat(),
        "decisions": found.decisions,
        "equal": found.equal,
        "launched": {"then": found.launched[0], "now": found.launched[1]},
        "cancelled": {"then": found.cancelled[0], "now": found.cancelled[1]},
        "damaged": found.damaged,
        "differences": [_difference(one) for one in found.differences],
    }


def _difference(one: Difference) -> dict[str, Any]:
    return {
        "at": one.at.isoformat(),
        "campaign": one.campaign,
        "group": one.group,
        "then": asdict(one.then),
        "now": asdict(one.now),
        "why": one.why,
    }
