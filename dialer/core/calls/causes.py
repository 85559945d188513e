"""What an ending means: evidence and our own milestones -> verdict (freeswitch.md 5.3, R5.1).

The rows are data (`causes_table.TABLE`), read from the top, the first that matches wins;
another table, for a gateway with habits of its own, is passed in.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from dialer.core.calls.cause_codes import CODES, NO_CHANNEL, q850_of
from dialer.core.calls.cause_rows import FLAGS, LOST, Charge, Condition, Facts, Row
from dialer.core.calls.causes_table import TABLE
from dialer.core.model import Disposition, Evidence, HungUpBy, Verdict
from dialer.errors import Bug

__all__ = [
    "LOST",
    "TABLE",
    "Charge",
    "Condition",
    "Facts",
    "Reply",
    "Row",
    "derive",
    "match",
    "read_reply",
]

#: Causes of hang-ups that are ordered by us or by the switch's timers, where no SIP tells.
OURS = frozenset(
    {
        "ORIGINATOR_CANCEL",
        "MANAGER_REQUEST",
        "LOSE_RACE",
        "ALLOTTED_TIMEOUT",
        "NO_ANSWER",
        "PROGRESS_TIMEOUT",
    }
)


def derive(evidence: Evidence, *, facts: Facts, table: Sequence[Row] = TABLE) -> Verdict:
    """The verdict of the first row that matches."""
    row = match(evidence, facts=facts, table=table)
    return Verdict(
        disposition=row.disposition,
        charged=_counts(row.charged, evidence, facts),
        number_charged=_counts(row.number_charged, evidence, facts),
        number_suspect=row.number_suspect,
        hung_up_by=hung_up_by(evidence, row.disposition, answered=facts.answered),
    )


def match(evidence: Evidence, *, facts: Facts, table: Sequence[Row] = TABLE) -> Row:
    """The first row that matches. Raises Bug for a table whose last row is not "anything"."""
    traits = _traits(evidence, facts)
    for row in table:
        if _holds(row.when, traits, evidence, facts):
            return row
    raise Bug(f"no row for the cause {evidence.cause}")


def _traits(evidence: Evidence, facts: Facts) -> dict[str, bool]:
    return {
        "channel": evidence.channel,
        "answered": facts.answered,
        "bridged": facts.bridged,
        "abandoned": facts.abandoned,
        "machine": facts.machine,
        "unseen": facts.unseen,
        "stopped": facts.stop_reason is not None,
        "rang": facts.rang,
        "signals_ringing": facts.signals_ringing,
        "by_us": by_us(evidence),
        "final": evidence.sip_term_status is not None,
        "reply_only": evidence.reply is not None,
        "blocked_note": _blocked_note(evidence),
    }


def _holds(when: Condition, traits: dict[str, bool], evidence: Evidence, facts: Facts) -> bool:
    for flag in FLAGS:
        asked = getattr(when, flag)
        if asked is not None and asked is not traits[flag]:
            return False
    if when.min_ring_ms is not None and (facts.ring_ms or 0) < when.min_ring_ms:
        return False
    if when.max_elapsed_ms is not None:
        elapsed_ms = facts.elapsed_ms
        if elapsed_ms is None or elapsed_ms > when.max_elapsed_ms:
            return False
    return _codes_hold(when, evidence)


def _codes_hold(when: Condition, evidence: Evidence) -> bool:
    sip = far_status(evidence)
    if sip in when.not_sip:
        return False
    if not (when.sip or when.q850 or when.causes):
        return True
    return (
        sip in when.sip
        or q850_of(evidence.cause, evidence.q850) in when.q850
        or evidence.cause in when.causes
    )


def by_us(evidence: Evidence) -> bool:
    """ "Ours" means: the disposition starts with send_ (proofs 6); without one, the far end's
    final status is missing (a kill before the INVITE was answered leaves neither)."""
    if evidence.hangup_disposition is not None:
        return evidence.hangup_disposition.startswith("send_")
    return evidence.sip_term_status is None


def far_status(evidence: Evidence) -> int | None:
    """The far end's SIP status. Our own CANCEL also leaves a 487, which is nobody's answer."""
    if evidence.sip_term_status is not None:
        return evidence.sip_term_status
    return None if by_us(evidence) else evidence.sip_status


def _blocked_note(evidence: Evidence) -> bool:
    """603+ or a phrase that names the network's blocking (freeswitch.md 5.2)."""
    if evidence.sip_603plus_reason:
        return True
    text = f"{evidence.sip_phrase or ''} {evidence.sip_reason or ''}".casefold()
    return "network blocked" in text


def _counts(charge: Charge, evidence: Evidence, facts: Facts) -> bool:
    match charge:
        case Charge.YES:
            return True
        case Charge.NO:
            return False
        case Charge.IF_RANG:
            return facts.rang or facts.answered
        case Charge.IF_CHANNEL:
            return evidence.channel


#: A refusal that a person (or his phone) gave; every other one is the carrier's.
PERSONAL = frozenset({Disposition.BUSY, Disposition.REJECTED, Disposition.MACHINE})


def hung_up_by(evidence: Evidence, disposition: Disposition, *, answered: bool) -> HungUpBy:
    """Who ended it, by the disposition's prefix; where there is none, by the cause."""
    if not evidence.channel or evidence.cause in (LOST, "CRASH"):
        return HungUpBy.NOBODY
    told = evidence.hangup_disposition
    if told is not None and told.startswith("send_"):
        return HungUpBy.US
    if told is None and evidence.sip_term_status is None:
        return HungUpBy.US if evidence.cause in OURS else HungUpBy.NOBODY
    if answered or disposition in PERSONAL:
        return HungUpBy.THEM
    return HungUpBy.CARRIER


# ------------------------------------------------------------------ the job's answer

_REPLY = re.compile(r"(?:-ERR\s+|-(?=USAGE))?([A-Z][A-Z0-9_]{1,63})\b")


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer of a failed originate: its text (shortened), cause and what that proves."""

    text: str
    cause: str
    had_channel: bool

    def evidence(self) -> Evidence:
        return Evidence(channel=self.had_channel, cause=self.cause, reply=self.text)


def read_reply(text: str) -> Reply:
    """`-ERR CAUSE` or `-USAGE: ...`. A cause that needs a channel proves that there was one.

    The text is the switch's: control characters are dropped and nothing long is kept.
    """
    plain = "".join(one for one in text[:200] if one.isprintable())
    found = _REPLY.match(plain)
    cause = found.group(1) if found else "UNKNOWN"
    return Reply(plain, cause, cause in CODES and cause not in NO_CHANNEL)
