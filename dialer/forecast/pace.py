"""The dialer's side of a simulated shift: the core that dials, told what a daemon would see.

Thin on purpose: it keeps a `Tracker` fed by events and asks core/pacing/decide.py for each
decision, in the same words as the daemon's pacer and whatever the mode. Nothing here decides
how many calls go out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from dialer.core.model import Campaign, Mode
from dialer.core.pacing import cap_ledger
from dialer.core.pacing.cap_ledger import CapLedger, Counts, Kind
from dialer.core.pacing.cap_rule import CapRule, window_of
from dialer.core.pacing.counted_on import more_s
from dialer.core.pacing.decide import decide_group
from dialer.core.pacing.observation import Decision, Observation, Team
from dialer.core.pacing.outlook import Outlook
from dialer.core.pacing.tracker import LAW_S, Tracker

#: Below so many answers the answer rate is unknown to power: the worst is assumed.
_ANSWERS_KNOWN = 40
_NAME = "forecast"
#: For worlds that are of no day.
_MIDNIGHT = datetime(2026, 1, 5, tzinfo=UTC)

#: Modes that a simulated shift can be dialed in; preview waits for people who press buttons.
MODES = (Mode.PREDICTIVE, Mode.PROGRESSIVE, Mode.POWER)


@dataclass(slots=True, kw_only=True)
class Seen:
    """The moment of a decision. `talking_s`: ages of talks; `wrapup_s`: (age, talk before it);
    both only of operators who will take a call afterwards. `ripe_s`: how long ago each call was
    launched that may be given up, oldest first. `numbers`: None, they do not limit.
    """

    now_s: float
    ends_s: float
    idle: int
    waiting: int
    talking_s: Sequence[float]
    wrapup_s: Sequence[tuple[float, float]]
    operators: int
    in_flight: int
    ripe_s: Sequence[float]
    tokens: int
    channels: int
    ready: int
    numbers: int | None


class Pace:
    """One campaign at one group of operators."""

    def __init__(
        self,
        mode: Mode,
        rule: CapRule,
        *,
        ring_timeout_s: float,
        ratio: float = 1.0,
        begins: datetime = _MIDNIGHT,
        campaign: Campaign | None = None,
        law_s: float = LAW_S,
    ) -> None:
        """`campaign`: whose hours say how long answers are counted on; None: until the end."""
        self.mode = mode
        self._rule = rule
        self._ratio = ratio
        self._ring_timeout_s = ring_timeout_s
        self._begins = begins
        self._begins_s = begins.timestamp()
        self._campaign = campaign
        self._window_until = begins
        self._shifts = 0
        self._law_s = law_s
        self.tracker = Tracker(rule=rule, ring_timeout_s=ring_timeout_s, law_s=law_s)
        self.ledger = CapLedger(rule)

    def begin_shift(self, begins: datetime) -> None:
        """Another day: the cap's books go on, and what was learned of talks stays."""
        old = self.tracker
        self._begins = begins
        self._begins_s = begins.timestamp()
        self._shifts += 1
        self.tracker = Tracker(
            rule=self._rule, ring_timeout_s=self._ring_timeout_s, law_s=self._law_s
        )
        self.tracker.durations = old.durations

    def enter(self, call: int, now_s: float, kind: Kind) -> None:
        """What an answered call is, or turned out to be, into the cap's books."""
        self.ledger.enter((self._shifts, call), self._begins_s + now_s, kind)

    def decide(self, seen: Seen) -> Decision:
        """How many calls go out now, and how many are given up: predictive gives up the
        youngest of the ripe ones first, the others the oldest.
        """
        campaign = (self.mode, self._observation(seen))
        team = Team(idle=seen.idle, waiting=seen.waiting, campaigns={_NAME: campaign})
        return decide_group(team)[_NAME]

    def launched(self, ids: Sequence[int], decision: Decision, now_s: float) -> None:
        """Those of the decision's calls that have really gone out."""
        risks = decision.why.risks[: len(ids)] or (0.0,) * len(ids)
        self.tracker.launched(ids, risks, now_s)

    def _observation(self, seen: Seen) -> Observation:
        tracker = self.tracker
        counts = self.ledger.counts(self._begins + timedelta(seconds=seen.now_s))
        outlook, rate = None, None
        if self.mode is Mode.PREDICTIVE:
            outlook = self._outlook(seen, counts)
        elif self.mode is Mode.POWER and tracker.answers.answers >= _ANSWERS_KNOWN:
            tracker.law(seen.now_s)
            rate = tracker.answers.rate
        return Observation(
            ready=seen.idle,
            talking=len(seen.talking_s),
            wrapup=len(seen.wrapup_s),
            logged_in=seen.operators,
            waiting=seen.waiting,
            in_flight=seen.in_flight,
            ringing_s=tuple(seen.ripe_s),
            tokens=seen.tokens,
            channels=seen.channels,
            numbers=seen.numbers,
            hopper_size=seen.ready,
            outlook=outlook,
            ratio=self._ratio,
            cap=self._rule.limit,
            abandoned=int(cap_ledger.lost(self._rule, counts)),
            answered=int(cap_ledger.answered(self._rule, counts)),
            answer_rate=rate,
        )

    def _outlook(self, seen: Seen, counts: Counts) -> Outlook:
        return self.tracker.outlook(
            seen.now_s,
            counts=counts,
            operators=seen.operators,
            ends_s=self._ends_s(seen),
            talking_s=seen.talking_s,
            wrapup_s=seen.wrapup_s,
            cancellable_s=seen.ripe_s,
        )

    def _ends_s(self, seen: Seen) -> float:
        """Until when answers are counted on: of a campaign as the daemon does."""
        if self._campaign is None:
            return seen.ends_s
        wall = self._begins + timedelta(seconds=seen.now_s)
        if wall >= self._window_until:
            self._window_until = window_of(self._rule, wall)[1]
        return seen.now_s + more_s(self._campaign, self._window_until, wall)
