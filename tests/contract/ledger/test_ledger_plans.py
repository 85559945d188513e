"""The hot statements' plans: look-ups by index, whatever the tables held when planned."""

from __future__ import annotations

import re
from contextlib import nullcontext
from typing import Any

import psycopg
import pytest

from dialer.ledger.statements import statements
from tests.contract.ledger.world import NOW, WIDE, World, campaign, outcome, row


def test_hot_statements_look_up_and_never_read_whole_tables(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plan that falls back to reading the queue or the attempts stops a long campaign.

    The statements themselves, as the rooms send them, explained with the pool's own settings.
    """
    world.rows(row(n) for n in range(1, 2001))
    ranked = campaign(caps=WIDE)
    world.save(ranked)
    entries = world.entries(ranked, 50)
    plans = explained(monkeypatch)
    world.commit(ranked, entries[:2])
    opened = [one.claimed for one in world.ledger.open_attempts()]
    world.ledger.end_attempts([outcome(claimed, NOW) for claimed in opened])
    world.entries(ranked, 50)
    world.ledger.postpone(ranked.name, [(entries[5].contact_id, "own_hours", NOW)])

    tables = "attempts|queue_entries|phones|contacts|consents|contact_phones|number_days"
    tables += "|stops|withdrawals"
    for name, plan in plans.items():
        assert not re.search(rf"Seq Scan on ({tables})\b", plan), (name, plan)
    used = {
        "due": "queue_due attempts_by_phone attempts_by_contact phones_pkey consents_pkey",
        "wake": "queue_waiting queue_waiting_hot queue_due",
        "stale_scores": "queue_rescore",
        "lock_phones": "phones_pkey",
        "commit_intents": "attempts_pkey queue_entries_pkey number_days_pkey phones_pkey",
        "end_attempts": "attempts_pkey queue_entries_pkey phones_pkey contacts_pkey",
        "postpone": "queue_entries_pkey",
    }
    for name, indexes in used.items():
        for index in indexes.split():
            assert re.search(rf"using {index}\b", plans[name]), (name, index, plans[name])
    assert "Sort" not in plans["stale_scores"]
    assert "Sort" not in plans["wake"].split("CTE ripe")[1].split("CTE")[0]
    head = plans["due"].split("CTE head")[1].split("SubPlan")[0]
    assert "Sort" not in head.split("->")[1]


def explained(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Filled with the plan of each named statement just before it runs."""
    names = {
        text: name
        for noun in ("intents", "endings", "queue", "phones")
        for name, text in statements(noun).items()
    }
    plans: dict[str, str] = {}
    execute = psycopg.Connection.execute

    def explain(self: Any, query: Any, params: Any = None, **more: Any) -> Any:
        if query in names and self.pgconn.pipeline_status == 0:
            cursor = execute(self, b"EXPLAIN " + query, params)
            plans[names[query]] = "\n".join(line for (line,) in cursor)
        return execute(self, query, params, **more)

    monkeypatch.setattr(psycopg.Connection, "execute", explain)
    monkeypatch.setattr(psycopg.Connection, "pipeline", lambda self: nullcontext())
    return plans
