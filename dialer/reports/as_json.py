"""Reports as plain values for JSON: what other programs read, so keys are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dialer.core.numbers.pools import PoolLoad
from dialer.core.permission.persistence import sentence
from dialer.reports.planned import CampaignPlan
from dialer.reports.queue_now import Held
from dialer.reports.shares import Share
from dialer.reports.values import CampaignReport, NumberFigures, OperatorFigures


def report_json(report: CampaignReport) -> dict[str, Any]:
    """Instants as ISO text, shares of 1 with their interval and counts."""
    totals = report.totals
    return {
        "campaign": report.campaign,
        "mode": report.mode,
        "since": report.since.isoformat() if report.since else None,
        "until": report.until.isoformat(),
        "zone": report.zone,
        "contacts": totals.contacts,
        "attempts": totals.attempts,
        "tries": totals.tries,
        "unresolved": totals.unresolved,
        "dispositions": dict(report.dispositions),
        "reach": share_json(report.reach),
        "abandonment": {**share_json(report.abandonment), "cap": report.abandonment_cap},
        "short_answers": share_json(report.short_answers),
        "talks": totals.talked,
        "talk_s": totals.talk_ms / 1000,
        "mean_ring_s": _seconds(totals.mean_ring_ms),
        "mean_wait_s": _seconds(totals.mean_wait_ms),
        "opt_outs": totals.opt_outs,
        "occupancy": report.occupancy,
        "operators": {one.operator: _operator(one) for one in report.operators},
        "calls_per_number": {one.number: _number(one) for one in report.numbers},
        "pool": pool_json(report.pool),
        "hours": [
            {
                "hour": one.hour.isoformat(timespec="minutes"),
                "attempts": one.attempts,
                "answered": one.answered,
                "talked": one.talked,
                "abandoned": one.abandoned,
            }
            for one in report.hours
        ],
        "dialable": report.dialable,
        "held_back": held_json(report.held),
        "not_judged": report.not_judged,
        "imports": {
            "imports": report.imports.imports,
            "rows": report.imports.rows,
            "rejected_rows": report.imports.rejected,
            "kept_out": dict(report.imports.kept_out),
        },
        "failed_rounds": {str(rounds): n for rounds, n in report.rounds.items()},
        "moves": [one._asdict() for one in report.moves],
        "causes": [one._asdict() for one in report.causes],
        "money": {
            "cost": report.money.cost,
            "currency": report.money.currency or None,
            "per_talk": report.money.per_talk,
            "per_decision": report.money.per_decision,
        },
        "persistence": {
            **report.persistence.figures._asdict(),
            "pace": report.persistence.judged.pace,
            "why": sentence(report.persistence.judged),
        },
    }


def plan_json(plan: CampaignPlan) -> dict[str, Any]:
    """Phones are masked."""
    return {
        "campaign": plan.campaign,
        "at": plan.at.isoformat(),
        "dialable": plan.dialable,
        "calls": [
            {
                "place": one.place,
                "contact": one.contact,
                "phone": one.phone,
                "region": one.region,
                "source": one.source,
                "score": one.score,
                "position": one.position,
                "why": one.why,
                "until": one.until.isoformat() if one.until else None,
            }
            for one in plan.calls
        ],
        "held_back": held_json(plan.held),
        "not_judged": plan.not_judged,
        "numbers": plan.numbers,
        "pool": pool_json(plan.pool),
        "notes": list(plan.notes),
    }


def held_json(held: Sequence[Held]) -> dict[str, Any]:
    return {
        one.reason: {
            "contacts": one.contacts,
            "sentence": one.sentence,
            "until": one.until.isoformat() if one.until else None,
        }
        for one in held
    }


def pool_json(load: PoolLoad) -> dict[str, Any]:
    return {**load._asdict(), "warning": load.warning, "used_up": load.used_up}


def share_json(share: Share) -> dict[str, Any]:
    return {
        "share": share.value,
        "low": share.low,
        "high": share.high,
        "part": share.part,
        "whole": share.whole,
    }


def _operator(one: OperatorFigures) -> dict[str, Any]:
    return {
        "talks": one.talks,
        "talk_s": one.talk_s,
        "idle_s": one.idle_s,
        "wrapup_s": one.wrapup_s,
        "paused_s": one.paused_s,
        "occupancy": one.occupancy,
    }


def _number(one: NumberFigures) -> dict[str, Any]:
    return {
        "region": one.region,
        "attempts": one.attempts,
        "answered": share_json(one.answered),
        "talked": one.talked,
        "today": one.today,
        "soft_limit": one.soft_limit,
        "hard_limit": one.hard_limit,
        "most": one.most,
        "most_on": one.most_on.isoformat() if one.most_on else None,
        "over_limit": one.over_limit,
    }


def _seconds(ms: float | None) -> float | None:
    return None if ms is None else ms / 1000
