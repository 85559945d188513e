"""Was the sound of a call good? What the switch counted of RTP, judged.

The same judgement for a test call, where a person waits for every doubt, and for the calls of
the day, of which only what is certain is counted against the gateway.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

#: Fewer packets in this time are no talk, and prove nothing of the sound.
PROOF_S = 2.0
#: G.711 in packets of 20 ms.
PACKETS_PER_S = 50.0
#: Below this share of the packets that a direction should have, a person who tries is told.
DOUBTFUL = 0.5
#: Below this, nobody can have understood a word, whatever silence suppression left out.
NOTHING = 0.02
BAD_LOSS, BAD_JITTER_MS = 0.01, 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """Counts of packets; `lost` and `jitter_ms` as the switch heard; `mos` 1 to 5 or None."""

    received: int
    sent: int
    lost: int
    jitter_ms: float
    mos: float | None

    @property
    def loss(self) -> float:
        """The share of what should have come in."""
        expected = self.received + self.lost
        return self.lost / expected if expected else 0.0


class Fault(StrEnum):
    """What can be wrong; the value is the metric's label."""

    HEARD_NOTHING = "heard_nothing"  # they spoke, nothing came here
    SENT_NOTHING = "sent_nothing"
    LOSS = "loss"
    JITTER = "jitter"


def faults(sound: Sound, answered_s: float, *, least: float = NOTHING) -> tuple[Fault, ...]:
    """Of a call that was answered for so many seconds; none where that is too short to tell."""
    if answered_s < PROOF_S:
        return ()
    expected = answered_s * PACKETS_PER_S
    found = (
        (Fault.HEARD_NOTHING, sound.received < expected * least),
        (Fault.SENT_NOTHING, sound.sent < expected * least),
        (Fault.LOSS, sound.loss >= BAD_LOSS),
        (Fault.JITTER, sound.jitter_ms >= BAD_JITTER_MS),
    )
    return tuple(fault for fault, is_so in found if is_so)
