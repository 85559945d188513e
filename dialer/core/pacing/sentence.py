"""One line for the wall and the log: why this many calls go out, and not one more."""

from __future__ import annotations

from dialer.core.model import Mode
from dialer.core.pacing.observation import Binding, Why
from dialer.core.pacing.outlook import SetBy, expected

_BOUND_BY = {
    Binding.SWITCH_BLIND: "the switch does not answer or its events do not flow",
    Binding.HALTED: "the emergency stop is on",
    Binding.PAUSED: "the campaign is paused",
    Binding.RECORDING: "its talks cannot be recorded now (when_full: stop_dialing)",
    Binding.PERSISTENCE: "a limit of persistence is passed",
    Binding.CALLING_HOURS: "outside the calling hours",
    Binding.NO_OPERATORS: "no operator is logged in",
    Binding.OPERATORS_BUSY: "every free operator has his calls",
    Binding.BUDGET: "more calls could pass the abandonment cap",
    Binding.CAP: "the abandonment cap is passed: one call per free operator",
    Binding.RISK: "the next call would be lost too often",
    Binding.PROBE: "hardly anybody answers: few calls per operator until somebody does",
    Binding.STRETCH: "the last half hour lost too many",
    Binding.UNCERTIFIED: "too few answers yet to certify the cap: one call per free operator",
    Binding.NO_ESTIMATE: "no estimate: one call per free operator",
    Binding.NOT_STARTED: "every free operator has a card and starts its call himself",
    Binding.HOPPER_EMPTY: "nobody else is due",
    Binding.NUMBERS_USED_UP: "our numbers are used up for today",
    Binding.DAY_BUDGET: "the campaign's calls or money of the day are used up",
    Binding.CHANNELS: "no channel is free",
    Binding.CPS: "the limit of calls per second",
}
_LIMIT_BY = {
    SetBy.PRICE: "limit",
    SetBy.START: "limit at the start",
    SetBy.BRAKE: "limit lowered by drops just now",
    SetBy.STRETCH: "limit lowered by the last half hour",
    SetBy.LEDGER: "limit lowered by the cap's budget",
    SetBy.CERTIFICATE: "limit lowered for the certificate",
}


def sentence(why: Why, launch: int) -> str:
    """One line for the wall and the log."""
    seen = why.observation
    start = f"launching {launch} of {why.wanted}" if launch else "holding"
    parts = [f"{start} at {seen.in_flight} in flight: {seen.ready} ready"]
    if seen.waiting or why.mode is not Mode.PREDICTIVE:
        parts.append(f"{seen.waiting} waiting")
    if why.mode is Mode.PREVIEW:
        parts.append(f"{seen.shown} cards shown")
    if why.mode is Mode.POWER:
        parts.append(f"{seen.ratio:g} calls per operator")
    if seen.outlook is not None:
        free, answered = expected(seen.outlook, 10.0)
        parts += [f"{free:.1f} more in 10 s", f"{answered:.1f} answers expected"]
    text = ", ".join(parts) + _risk(why) + _spent(why)
    return f"{text}; {_BOUND_BY[why.binding]}"


def _risk(why: Why) -> str:
    outlook = why.observation.outlook
    if outlook is None or why.refused is None:
        return ""
    limit = f"{_LIMIT_BY[outlook.set_by]} {outlook.theta:.1%}"
    return f"; the next call would be lost with {why.refused:.1%} ({limit})"


def _spent(why: Why) -> str:
    """Never a bare percentage where the volume says nothing: the count stands beside it."""
    seen = why.observation
    if not seen.answered:
        return ""
    text = f"; {seen.abandoned / seen.answered:.1%} of {seen.answered} abandoned"
    if why.budget_left is not None:
        text += f", {max(0.0, why.budget_left):.1f} drops left"
    return text
