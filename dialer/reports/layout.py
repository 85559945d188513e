"""A campaign's report and plan as tables: what is said of each figure, in which order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from dialer.core.numbers.pools import PoolLoad
from dialer.core.permission.persistence import DAYS, ratios, sentence
from dialer.reports.planned import CampaignPlan
from dialer.reports.queue_now import Held
from dialer.reports.shares import CONFIDENCE, PERCENT_FROM, share_of
from dialer.reports.tables import Column, Table
from dialer.reports.values import CampaignReport, OperatorFigures
from dialer.reports.wording import clock, span, words

_INTERVAL = f"In brackets: the {CONFIDENCE:.0%} interval, and how many cases it is of."


def report_tables(report: CampaignReport) -> list[Table]:
    """Everything of the report, the most asked first."""
    return [
        _figures(report),
        _dispositions(report),
        _held(report.held, report.zone, report.until, report.not_judged),
        _persistence(report),
        _operators(report),
        _numbers(report),
        _hours(report),
        _rounds(report),
        _moves(report),
        _causes(report),
        _imports(report),
    ]


def plan_tables(plan: CampaignPlan) -> list[Table]:
    """Whom it would dial, and whom not."""
    calls = Table(
        title=f"{plan.campaign}: would be dialed now, in this order",
        columns=(
            Column("", right=True),
            Column("phone"),
            Column("region"),
            Column("tier"),
            Column("score", right=True),
            Column("list row", right=True),
            Column("why it may be"),
        ),
        rows=[
            (
                str(one.place),
                one.phone,
                one.region or "?",
                one.source,
                str(one.score),
                str(one.position),
                one.why,
            )
            for one in plan.calls
        ],
        note=_behind(plan),
        empty="nobody",
    )
    return [calls, _held(plan.held, plan.zone, plan.at, plan.not_judged), _pool(plan)]


def _behind(plan: CampaignPlan) -> str:
    more = plan.dialable - len(plan.calls)
    return f"and {more} more behind them" if more > 0 else ""


def _pool(plan: CampaignPlan) -> Table:
    load = plan.pool
    return Table(
        title="Numbers to show, today",
        columns=(Column(""), Column("calls", right=True)),
        rows=[
            ("numbers that the campaign may show", str(plan.numbers)),
            ("used", str(load.used)),
            ("left until all are at their soft limit", str(load.soft_left)),
            ("left until nothing is dialed", str(load.hard_left)),
        ],
        note=_pool_words(load),
    )


def _pool_words(load: PoolLoad) -> str:
    if load.used_up:
        return "The pool is used up: nothing is dialed until a number's next day begins."
    if load.warning:
        return f"The pool is nearly used up: {load.share:.0%} of its day's calls."
    return ""


# ------------------------------------------------------------------ the report


def _figures(report: CampaignReport) -> Table:
    totals = report.totals
    since = report.since
    began = clock(since, report.zone, report.until) if since else "the beginning"
    per_talk = f"{totals.tries / totals.talked:.1f}" if totals.talked else "no talk yet"
    mean_talk_s = totals.talk_ms / 1000 / totals.talked if totals.talked else None
    rows = [
        ("attempts", str(totals.attempts)),
        ("tries (reached the carrier and did not fail there)", str(totals.tries)),
        ("contacts called", str(totals.contacts)),
        ("reached: a person answered, of the tries", str(report.reach)),
        ("talks", str(totals.talked)),
        ("tries per talk", per_talk),
        ("talk time", span(totals.talk_ms / 1000)),
        ("mean talk", "–" if mean_talk_s is None else span(mean_talk_s)),
        ("mean ring", _seconds(totals.mean_ring_ms)),
        ("mean wait of who was joined", _seconds(totals.mean_wait_ms)),
        ("abandoned by us, of those who answered and waited", str(report.abandonment)),
        ("the campaign's cap of it", f"{report.abandonment_cap:.1%}"),
        ("short answers (suspected machines), of the answered", str(report.short_answers)),
        ("asked by key not to be called", str(totals.opt_outs)),
        ("attempts without an end yet", str(totals.unresolved)),
        ("may be dialed now", str(report.dialable)),
        ("cost of the calls", _money(report.money.cost, report)),
        ("cost per talk with a person", _money(report.money.per_talk, report)),
        ("cost per decision", _money(report.money.per_decision, report)),
    ]
    return Table(
        title=f"{report.campaign} ({report.mode}), since {began}",
        columns=(Column(""), Column("", right=True)),
        rows=rows,
        note=_INTERVAL,
    )


def _dispositions(report: CampaignReport) -> Table:
    ended = sum(report.dispositions.values())
    return Table(
        title="Endings",
        columns=(Column("ending"), Column("attempts", right=True), Column("%", right=True)),
        rows=[
            (words(name), str(count), _share_of_many(count, ended))
            for name, count in report.dispositions.items()
        ],
        note=f"of {ended} attempts that have ended" if ended else "",
        empty="no attempt has ended",
    )


def _held(held: Sequence[Held], zone: str, now: datetime, not_judged: int) -> Table:
    return Table(
        title="Held back, and why",
        columns=(
            Column("contacts", right=True),
            Column("reason"),
            Column("the first is looked at again"),
        ),
        rows=[
            (
                str(one.contacts),
                one.sentence,
                clock(one.until, zone, now) if one.until else "not by itself",
            )
            for one in held
        ],
        note=f"{not_judged} more stand behind those that were judged" if not_judged else "",
        empty="nobody",
    )


def _persistence(report: CampaignReport) -> Table:
    of = report.persistence
    found, limits = ratios(of.figures), of.limits

    def share(count: int, key: str) -> tuple[str, str, str]:
        limit = getattr(limits, key)
        value = str(share_of(min(count, of.figures.answered), of.figures.answered))
        return (str(count), value, "–" if limit is None else f"{limit:.1%}")

    most = limits.tries_per_talk
    figures = of.figures
    return Table(
        title=f"Persistence, in {DAYS} days",
        columns=(
            Column(""),
            Column("calls", right=True),
            Column("share", right=True),
            Column("limit", right=True),
        ),
        rows=[
            ("tries", str(figures.tries), "", ""),
            (
                "tries for one talk with a person",
                str(figures.talks),
                f"{found['tries_per_talk']:.1f}" if figures.talks else "no talk yet",
                "–" if most is None else f"{most:g}",
            ),
            ("refused, of the answered", *share(figures.refusals, "refusals_share")),
            (
                "hung up within 3 s, of the answered",
                *share(figures.instant_hang_ups, "instant_hang_ups_share"),
            ),
            (
                "want no more calls, of the answered",
                *share(figures.opt_outs, "opt_outs_share"),
            ),
            ("complained, of the answered", *share(figures.complaints, "complaints_share")),
            ("people tried", str(figures.persons), "", ""),
            ("most tries of one person", str(figures.most_tries), "", ""),
            ("most refusals of one person", str(figures.most_refusals), "", ""),
            (
                "most times that one person hung up within 3 s",
                str(figures.most_instant_hang_ups),
                "",
                "",
            ),
        ],
        note=sentence(of.judged),
    )


def _operators(report: CampaignReport) -> Table:
    return Table(
        title="Operators, over all their campaigns",
        columns=(
            Column("operator"),
            Column("occupancy", right=True),
            Column("talks", right=True),
            Column("talking", right=True),
            Column("idle", right=True),
            Column("wrap-up", right=True),
            Column("paused", right=True),
        ),
        rows=[_operator(one) for one in report.operators],
        note=f"Occupancy is talk / (talk + idle); all together: {_percent(report.occupancy)}.",
        empty="nobody has worked",
    )


def _operator(one: OperatorFigures) -> tuple[str, ...]:
    return (
        one.operator,
        _percent(one.occupancy),
        str(one.talks),
        span(one.talk_s),
        span(one.idle_s),
        span(one.wrapup_s),
        span(one.paused_s),
    )


def _numbers(report: CampaignReport) -> Table:
    return Table(
        title="Numbers shown",
        columns=(
            Column("number"),
            Column("region"),
            Column("attempts", right=True),
            Column("answered, of those at the carrier", right=True),
            Column("today", right=True),
            Column("soft", right=True),
            Column("hard", right=True),
            Column("busiest day", right=True),
        ),
        rows=[
            (
                one.number,
                one.region or "?",
                str(one.attempts),
                str(one.answered),
                str(one.today),
                str(one.soft_limit or "–"),
                str(one.hard_limit or "–"),
                f"{one.most} on {one.most_on:%d.%m.%Y}" if one.most_on else "–",
            )
            for one in report.numbers
        ],
        note="Today and busiest day: over all campaigns. " + _pool_words(report.pool),
    )


def _hours(report: CampaignReport) -> Table:
    return Table(
        title=f"Hour by hour ({report.zone})",
        columns=(
            Column("hour"),
            Column("attempts", right=True),
            Column("answered", right=True),
            Column("talks", right=True),
            Column("abandoned", right=True),
        ),
        rows=[
            (
                f"{one.hour:%d.%m.%Y %H:00}",
                str(one.attempts),
                str(one.answered),
                str(one.talked),
                str(one.abandoned),
            )
            for one in report.hours
        ],
    )


def _rounds(report: CampaignReport) -> Table:
    return Table(
        title="Failed rounds behind the contacts",
        columns=(Column("rounds"), Column("contacts", right=True)),
        rows=[(str(rounds), str(count)) for rounds, count in report.rounds.items()],
    )


def _moves(report: CampaignReport) -> Table:
    return Table(
        title="Moved off the list, or back",
        columns=(Column("to"), Column("why"), Column("contacts", right=True)),
        rows=[(words(one.moved_to), one.reason, str(one.moves)) for one in report.moves],
    )


def _causes(report: CampaignReport) -> Table:
    return Table(
        title="Causes by gateway",
        columns=(
            Column("gateway"),
            Column("SIP"),
            Column("Q.850"),
            Column("cause"),
            Column("ending"),
            Column("attempts", right=True),
        ),
        rows=[
            (
                one.gateway,
                str(one.sip_status or "–"),
                "–" if one.q850 is None else str(one.q850),
                one.cause or "–",
                words(one.disposition),
                str(one.attempts),
            )
            for one in report.causes
        ],
    )


def _imports(report: CampaignReport) -> Table:
    return Table(
        title="Imports onto the list",
        columns=(Column(""), Column("rows", right=True)),
        rows=list(_import_rows(report)),
        empty="none in this span",
    )


def _import_rows(report: CampaignReport) -> Iterator[tuple[str, str]]:
    imports = report.imports
    if imports.imports:
        yield f"read, in {imports.imports} imports", str(imports.rows)
        yield "rejected", str(imports.rejected)
        for reason, rows in imports.kept_out.items():
            yield f"kept out: {Held(reason=reason, contacts=rows).sentence}", str(rows)


def _share_of_many(count: int, whole: int) -> str:
    """Of few attempts the counts say it all, a percentage too much."""
    return f"{100 * count / whole:.1f}" if whole >= PERCENT_FROM else "–"


def _money(value: float | None, report: CampaignReport) -> str:
    if not report.money.currency:
        return "no price is known"
    return "–" if value is None else f"{value:.2f} {report.money.currency}"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"


def _seconds(ms: float | None) -> str:
    return "–" if ms is None else f"{ms / 1000:.1f} s"
