"""The words of the disposition table: facts, condition, row. Values only.

A condition names what must hold; all that it names must hold, but of its codes (SIP, Q.850, the
cause's name) one is enough. So a table is data that a file may hold as well.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from dialer.core.model import Disposition

#: Our own word for an ending that nobody saw.
LOST = "LOST"


class Charge(StrEnum):
    """Whether something is counted: a try of the contact, a call of the number shown."""

    YES = "yes"
    NO = "no"
    IF_RANG = "if_rang"  # a 180 or 183 was seen, or may have been
    IF_CHANNEL = "if_channel"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What our own milestones say, beside the line's evidence.

    `abandoned`: answered, and by our fault nobody spoke (R2.2). `unseen`: the evidence says
    answered, but we saw nothing of it. `rang`: a 180 or 183 was seen, or nobody looked.
    `signals_ringing` False: this gateway is known never to send 180 or 183.
    """

    answered: bool = False
    bridged: bool = False
    abandoned: bool = False
    machine: bool = False
    unseen: bool = False
    rang: bool = False
    stop_reason: str | None = None
    ring_ms: int | None = None
    elapsed_ms: int | None = None
    signals_ringing: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What a row asks; None and empty ask nothing.

    `by_us`: the hang-up came from this side. `final`: the far end said a last word
    (sip_term_status). `reply_only`: only the job's answer is known. `blocked_note`: its text
    says that a network's analytics blocked it. `not_sip` excludes, whatever else matches.
    """

    channel: bool | None = None
    answered: bool | None = None
    bridged: bool | None = None
    abandoned: bool | None = None
    machine: bool | None = None
    unseen: bool | None = None
    stopped: bool | None = None
    rang: bool | None = None
    signals_ringing: bool | None = None
    by_us: bool | None = None
    final: bool | None = None
    reply_only: bool | None = None
    blocked_note: bool | None = None
    min_ring_ms: int | None = None
    max_elapsed_ms: int | None = None
    sip: frozenset[int] = frozenset()
    q850: frozenset[int] = frozenset()
    causes: frozenset[str] = frozenset()
    not_sip: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the table. `source`: where it comes from; `note`: why, for the documents."""

    name: str
    source: str
    disposition: Disposition
    charged: Charge
    when: Condition = field(default_factory=Condition)
    number_charged: Charge = Charge.IF_CHANNEL
    number_suspect: bool = False
    note: str = ""


#: The conditions that ask one yes or no.
FLAGS = (
    "channel",
    "answered",
    "bridged",
    "abandoned",
    "machine",
    "unseen",
    "stopped",
    "rang",
    "signals_ringing",
    "by_us",
    "final",
    "reply_only",
    "blocked_note",
)
