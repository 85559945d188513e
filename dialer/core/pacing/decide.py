"""One decision: what shuts the campaign, what its policy wants, what the limits let through.

What a limit cuts off is not queued: half a second later the decision would be stale
(pacing.md 9). Of several limits the tightest is named; of equally tight ones the first in
`_LIMITS`, which are in the order in which a person would want to hear of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from dialer.core.model import Mode
from dialer.core.pacing import power, progressive
from dialer.core.pacing.observation import Binding, Decision, Observation, Want, Why

#: Preview is the operator's own start; predictive adds its row with its own issue.
POLICIES: Mapping[Mode, Callable[[Observation], Want]] = {
    Mode.PROGRESSIVE: progressive.policy,
    Mode.POWER: power.policy,
}

_SHUT: tuple[tuple[Binding, Callable[[Observation], bool]], ...] = (
    (Binding.SWITCH_BLIND, lambda seen: seen.switch_blind),
    (Binding.HALTED, lambda seen: seen.halted),
    (Binding.PAUSED, lambda seen: seen.paused),
    (Binding.RECORDING, lambda seen: seen.unrecordable),
    (Binding.CALLING_HOURS, lambda seen: not seen.in_hours),
    (Binding.NO_OPERATORS, lambda seen: seen.logged_in <= 0),
)

_LIMITS: tuple[tuple[Binding, Callable[[Observation], int | None]], ...] = (
    (Binding.HOPPER_EMPTY, lambda seen: seen.hopper_size),
    (Binding.NUMBERS_USED_UP, lambda seen: seen.numbers),
    (Binding.CHANNELS, lambda seen: seen.channels),
    (Binding.CPS, lambda seen: seen.tokens),
)


def decide(mode: Mode, seen: Observation) -> Decision:
    """How many calls to launch and to give up now, and why not one more."""
    for binding, is_shut in _SHUT:
        if is_shut(seen):
            why = Why(mode=mode, binding=binding, observation=seen, wanted=0)
            return Decision(launch=0, cancel=0, why=why)
    want = POLICIES[mode](seen)
    launch, binding = want.launch, want.binding
    for limited_by, limit_of in _LIMITS:
        limit = limit_of(seen)
        if limit is not None and limit < launch:
            launch, binding = max(0, limit), limited_by
    why = Why(
        mode=mode,
        binding=binding,
        observation=seen,
        wanted=want.launch,
        overdial=want.overdial,
        budget_left=want.budget_left,
    )
    return Decision(launch=launch, cancel=want.cancel, why=why)
