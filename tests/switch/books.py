"""The ledger against the switch's own record: each sentence that must not be true."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from tests.switch.callees import kind_of
from tests.switch.driven import Driven
from tests.switch.witness import Seen, Witness

#: The daemon's instants are its own, the switch's move in steps of 20 ms; both share cores.
INSTANT_S = 1.0
TICK_S = 0.02


def compare(driven: Driven, witness: Witness) -> list[str]:
    """Every attempt with its channel, every channel with its attempt."""
    channels = {one.uuid: one for one in witness.customers()}
    rows = driven.attempts()
    wrong: list[str] = []
    for row in rows:
        wrong += _of_attempt(row, channels.get(row["id"]))
    unknown = channels.keys() - {row["id"] for row in rows}
    wrong += [f"channel {uuid} was dialed without an attempt" for uuid in unknown]
    wrong += _twice(witness)
    if witness.missed():
        wrong.append(f"the witness itself missed {witness.missed()} channels")
    return wrong


def _of_attempt(row: dict[str, Any], seen: Seen | None) -> Iterator[str]:
    who = f"attempt {row['id']} ({row['disposition']})"
    if row["ended_at"] is None:
        yield f"{who} is open"
        return
    if seen is None:
        if row["evidence"].get("channel"):
            yield f"{who} had no channel"
        return
    who += f" to a callee that {kind_of(seen.number).name}"
    if row["cause"] != seen.cause:
        yield f"{who}: cause {row['cause']}, the switch says {seen.cause}"
    told = row["evidence"].get("sip_term_status") or row["evidence"].get("sip_status")
    if told != seen.status:
        yield f"{who}: status {told}, the switch says {seen.status}"
    if bool(row["bridged_at"]) != bool(seen.bridges) and not _crossed(seen):
        yield f"{who}: bridged {row['bridged_at']}, the switch says {seen.bridges}"
    if row["disposition"] not in kind_of(seen.number).endings:
        yield f"{who} is none of {sorted(kind_of(seen.number).endings)}"
    if row["number"].removeprefix("+") != seen.shown:
        yield f"{who}: another number was shown than is charged"
    yield from _instants(who, row, seen)


def _crossed(seen: Seen) -> bool:
    """Bridged and over within one tick: the switch may tell the hang-up before the bridge."""
    return bool(seen.bridges) and all(
        one.until is not None and one.until - one.since < TICK_S for one in seen.bridges
    )


def _instants(who: str, row: dict[str, Any], seen: Seen) -> Iterator[str]:
    for name in ("answered_at", "ended_at"):
        ours, theirs = row[name], getattr(seen, name)
        if (ours is None) != (theirs is None):
            yield f"{who}: {name} {ours}, the switch says {theirs}"
        elif ours is not None and abs(ours.timestamp() - theirs) > INSTANT_S:
            yield f"{who}: {name} is {ours.timestamp() - theirs:.2f} s off"


def _twice(witness: Witness) -> Iterator[str]:
    by_number: dict[str, list[Seen]] = defaultdict(list)
    for one in witness.customers():
        by_number[one.number].append(one)
    for number, calls in by_number.items():
        if len(calls) > 1:
            yield f"{number[-3:]} ({kind_of(number).name}) was dialed {len(calls)} times"


def dispositions(driven: Driven) -> Counter[str]:
    return Counter(str(row["disposition"]) for row in driven.attempts())


def longest_stay_s(driven: Driven, state: str) -> float:
    """The longest time that any operator was in this state, by the daemon's own log.

    The wait for his phone at a login is his own and does not count.
    """
    since: dict[str, float] = {}
    longest_s = 0.0
    for line in driven.logged("operator moved"):
        at_s = _epoch_s(line["timestamp"])
        if line["before"] == state and line["operator"] in since:
            longest_s = max(longest_s, at_s - since.pop(line["operator"]))
        if line["after"] == state and line["before"] != "offline":
            since[line["operator"]] = at_s
    return longest_s


def _epoch_s(stamp: str) -> float:
    return datetime.fromisoformat(stamp).timestamp()
