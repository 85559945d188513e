"""One decision: what shuts the campaign, what its policy wants, what the limits let through.

What a limit cuts off is not queued: half a second later the decision would be stale
(pacing.md 9). Of several limits the tightest is named; of equally tight ones the first in
`_LIMITS`, which are in the order in which a person would want to hear of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from dialer.core.model import Mode
from dialer.core.pacing import power, predictive, preview, progressive
from dialer.core.pacing.observation import Binding, Decision, Observation, Team, Want, Why

#: Each campaign on its own; predictive ones of a group are decided together.
POLICIES: Mapping[Mode, Callable[[Observation], Want]] = {
    Mode.PREVIEW: preview.policy,
    Mode.PROGRESSIVE: progressive.policy,
    Mode.POWER: power.policy,
    Mode.PREDICTIVE: lambda seen: predictive.alone(seen, room(seen)),
}

_SHUT: tuple[tuple[Binding, Callable[[Observation], bool]], ...] = (
    (Binding.SWITCH_BLIND, lambda seen: seen.switch_blind),
    (Binding.HALTED, lambda seen: seen.halted),
    (Binding.PAUSED, lambda seen: seen.paused),
    (Binding.RECORDING, lambda seen: seen.unrecordable),
    (Binding.PERSISTENCE, lambda seen: seen.rests),
    (Binding.CALLING_HOURS, lambda seen: not seen.in_hours),
    (Binding.NO_OPERATORS, lambda seen: seen.logged_in <= 0),
)

_LIMITS: tuple[tuple[Binding, Callable[[Observation], int | None]], ...] = (
    (Binding.HOPPER_EMPTY, lambda seen: seen.hopper_size),
    (Binding.NUMBERS_USED_UP, lambda seen: seen.numbers),
    (Binding.DAY_BUDGET, lambda seen: seen.day_budget),
    (Binding.CHANNELS, lambda seen: seen.channels),
    (Binding.CPS, lambda seen: seen.tokens),
)


def decide(mode: Mode, seen: Observation) -> Decision:
    """How many calls to launch and to give up now, and why not one more."""
    shut = shut_by(seen)
    if shut is not None:
        why = Why(mode=mode, binding=shut, observation=seen, wanted=0)
        return Decision(launch=0, cancel=0, why=why)
    return _within_limits(mode, seen, POLICIES[mode](seen))


def decide_group(team: Team) -> dict[str, Decision]:
    """All campaigns that feed one group on one switch, from one balance of operators.

    Calls in flight of campaigns that are not predictive have an operator each; those campaigns
    see the operators whom no waiting customer and no other campaign's call will take.
    """
    open_now = {
        name: (mode, seen)
        for name, (mode, seen) in team.campaigns.items()
        if shut_by(seen) is None
    }
    pooled = [name for name, (mode, seen) in open_now.items() if _is_pooled(mode, seen)]
    wants = predictive.together(team, {name: room(open_now[name][1]) for name in pooled})
    decisions: dict[str, Decision] = {}
    spare = team.idle - team.waiting - _claimed(team)
    for name in sorted(team.campaigns, key=lambda one: _turn(team, one)):
        mode, seen = team.campaigns[name]
        if name in wants:
            decision = _within_limits(mode, seen, wants[name])
        else:
            own = 0 if _is_pooled(mode, seen) else seen.in_flight
            alone = replace(seen, ready=max(0, spare + own), waiting=0)
            decision = decide(mode, alone)
            spare -= decision.launch
        why = replace(decision.why, team=team, campaign=name)
        decisions[name] = replace(decision, why=why)
    return decisions


def again(why: Why) -> Decision:
    """The decision made again from its reason alone."""
    if why.team is not None:
        return decide_group(why.team)[why.campaign]
    return decide(why.mode, why.observation)


def shut_by(seen: Observation) -> Binding | None:
    """What keeps the whole campaign from dialing."""
    return next((binding for binding, is_shut in _SHUT if is_shut(seen)), None)


def room(seen: Observation) -> int:
    """How many calls the tightest limit lets through, and one more: to see that it binds."""
    limits = [limit for _, limit_of in _LIMITS if (limit := limit_of(seen)) is not None]
    return min([predictive.MOST_AT_ONCE, *(max(0, limit) + 1 for limit in limits)])


def _is_pooled(mode: Mode, seen: Observation) -> bool:
    return mode is Mode.PREDICTIVE and seen.outlook is not None


def _claimed(team: Team) -> int:
    """Operators for the calls in flight: one each, of predictive ones the expected answers."""
    claimed = 0.0
    for mode, seen in team.campaigns.values():
        outlook = seen.outlook
        if mode is Mode.PREDICTIVE and outlook is not None:
            claimed += float(outlook.calls @ outlook.rates)
        else:
            claimed += seen.in_flight
    return round(claimed + 0.49)


def _turn(team: Team, name: str) -> tuple[int, float, str]:
    """By priority, then by who has the least for its share."""
    seen = team.campaigns[name][1]
    load = seen.in_flight + seen.talking
    return (-seen.priority, load / max(seen.share, 1e-6), name)


def _within_limits(mode: Mode, seen: Observation, want: Want) -> Decision:
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
        risks=want.risks,
        refused=want.refused,
    )
    return Decision(launch=launch, cancel=want.cancel, why=why)
