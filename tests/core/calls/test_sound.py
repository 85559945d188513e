"""One-way sound, loss and jitter: a gateway that nobody understands is seen before the clients
complain; a short call or a silent person accuses nobody.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.core.calls.sound import DOUBTFUL, PROOF_S, Fault, Sound, faults

GOOD = Sound(received=500, sent=500, lost=0, jitter_ms=3.0, mos=4.5)  # ten seconds


@pytest.mark.parametrize(
    ("sound", "found"),
    [
        (GOOD, ()),
        (replace(GOOD, received=0), (Fault.HEARD_NOTHING,)),
        (replace(GOOD, sent=3), (Fault.SENT_NOTHING,)),
        (replace(GOOD, lost=6), (Fault.LOSS,)),
        (replace(GOOD, jitter_ms=31.0), (Fault.JITTER,)),
        (replace(GOOD, received=120), ()),  # silence suppression: a quiet person
    ],
)
def test_what_is_wrong_with_ten_seconds(sound: Sound, found: tuple[Fault, ...]) -> None:
    assert faults(sound, 10.0) == found


def test_who_tries_a_line_is_told_of_half_a_conversation() -> None:
    assert faults(replace(GOOD, received=120), 10.0, least=DOUBTFUL) == (Fault.HEARD_NOTHING,)


@given(
    st.builds(
        Sound,
        received=st.integers(0, 10_000),
        sent=st.integers(0, 10_000),
        lost=st.integers(0, 10_000),
        jitter_ms=st.floats(0, 1_000),
        mos=st.none(),
    ),
    st.floats(-5.0, PROOF_S, exclude_max=True),
)
def test_a_short_call_accuses_nobody(sound: Sound, answered_s: float) -> None:
    assert faults(sound, answered_s) == ()
    assert 0.0 <= sound.loss <= 1.0
