"""One seed's world: what is true in it is drawn from the assumptions and their doubts.

The campaign's truth (answer rate, talk, ...) is drawn once a seed, each day's difference once a
shift. Nothing here depends on the pacing: the same seed is the same world for any of them.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from dialer.core.pacing.cap_rule import EarlyHangUps
from dialer.forecast.feed import Contact, Endless, Feed, ListFeed
from dialer.forecast.luck import stream
from dialer.forecast.question import Question
from dialer.forecast.roster import Break, Plan, roster
from dialer.forecast.scenario import PATH_STEP_S, Floats, Line, People, Scenario, Staff, level

#: A pause is about so long; so many are made of the share of the shift that is paused.
_PAUSE_S = 600.0
#: The last quarter of an hour before lunch is nobody's pause: breaks keep off the ends.
_LEAST_BREAK_S = 60.0


class Drawn:
    """The world of one seed. `still`: nothing is drawn, the middle of every assumption."""

    def __init__(self, question: Question, seed: int, *, still: bool = False) -> None:
        self.question = question
        self.seed = seed
        self._still = still
        self._dice = stream("truth", question.campaign.name, seed)
        values = question.assumed.values
        self.values = {
            name: one.value if still else one.drawn(self._dice)
            for name, one in sorted(values.items())
        }

    def shift(self, place: int) -> Scenario:
        """The shift of this place among the question's shifts."""
        question, values = self.question, self.values
        dice = stream("shift", question.campaign.name, self.seed, place)
        days = [0.0, 0.0] if self._still else dice.normal(size=2).tolist()
        talk_factor = math.exp(values["talk_day_spread"] * days[1])
        moves = roster(self._plan(), question.operators, question.lasts_s, dice)
        wrapup = question.assumed.wrapup.scaled(self._factor("wrapup_s"))
        if question.wrapup_most_s is not None:
            wrapup = wrapup.at_most(question.wrapup_most_s)
        return Scenario(
            name=f"forecast {question.campaign.name} {place}",
            seed=self.seed,
            lasts_s=question.lasts_s,
            people=self._people(place, values["day_spread"] * days[0], talk_factor),
            staff=Staff(
                operators=question.operators,
                roster=moves,
                wrapup=wrapup,
                sd=values["operator_spread"],
            ),
            line=self._line(),
        )

    def feed(self) -> Feed:
        """The list as it is at the first shift's beginning."""
        question = self.question
        if question.contacts is None:
            return Endless()
        begins = question.shifts[0]
        dice = stream("list", question.campaign.name, self.seed)
        contacts, waits = self._contacts(dice, begins)
        feed = ListFeed(contacts, question.campaign, begins, question.holidays)
        for contact, due_s in waits:
            feed.wait(contact, due_s)
        return feed

    # ------------------------------------------------------------------ inside

    def _factor(self, name: str) -> float:
        """What is true in this world against what was assumed."""
        return self.values[name] / max(1e-9, self.question.assumed.value(name))

    def _people(self, place: int, day_odds: float, talk_factor: float) -> People:
        values, assumed = self.values, self.question.assumed
        delay_s = values["post_dial_s"]
        return People(
            answered=self._answering(place, day_odds),
            talk_pace=level(talk_factor, self.question.lasts_s),
            ring=assumed.ring.scaled(self._factor("ring_s")),
            talk=assumed.talk.scaled(self._factor("talk_s")),
            post_dial_s=(0.5 * delay_s, 1.5 * delay_s),
            failed_share=values["failed_share"],
            rejected_share=max(1e-6, values["rejected_share"]),
            machine_share=values["machine_share"],
            silent_share=values["silent_share"],
            hang_ups_per_s=values["hang_ups_per_s"],
            later_odds=values["later_odds"],
        )

    def _answering(self, place: int, day_odds: float) -> Floats:
        """P(answered) over the shift: the hour's profile, the day's difference, and what is
        answered too late for the ring time-out added (it is drawn again there).
        """
        question = self.question
        rate = min(0.97, max(1e-3, self.values["answer_rate"]))
        steps = int(question.lasts_s / PATH_STEP_S) + 2
        zone, begins = ZoneInfo(question.zone), question.shifts[place]
        path = np.empty(steps)
        for step in range(0, steps, 90):
            at = begins + timedelta(seconds=step * PATH_STEP_S)
            factor = question.assumed.hours.get(at.astimezone(zone).hour, 1.0)
            odds = rate / (1.0 - rate) * factor * math.exp(day_odds)
            path[step : step + 90] = odds / (1.0 + odds)
        ring = question.assumed.ring.scaled(self._factor("ring_s"))
        limit_s = question.campaign.ring_timeout_s - self.values["post_dial_s"]
        in_time = max(0.2, ring.below(limit_s))
        if question.contacts is None:
            in_time /= 1.0 - min(0.9, self.values["invalid_share"])
        return np.minimum(0.99, path / in_time)

    def _plan(self) -> Plan:
        """Pauses that come to the assumed share, spread over the shift."""
        lasts_s = self.question.lasts_s
        away_s = self.values["break_share"] * lasts_s
        many = max(1, round(away_s / _PAUSE_S))
        each_s = away_s / many
        if each_s < _LEAST_BREAK_S:
            return Plan(breaks=(), login_s=self.values["login_s"])
        breaks = tuple(
            Break(at_s=lasts_s * (place + 1) / (many + 1), lasts_s=each_s)
            for place in range(many)
        )
        return Plan(breaks=breaks, login_s=self.values["login_s"])

    def _line(self) -> Line:
        question = self.question
        return Line(
            calls_per_s=question.calls_per_s,
            calls_at_once=question.calls_at_once,
            ring_timeout_s=float(question.campaign.ring_timeout_s),
            patience_s=question.campaign.silence_ms / 1000.0,
            hand_over_s=self.values["hand_over_s"],
            early_hang_ups_count=question.rule.early_hang_ups is EarlyHangUps.ABANDONED,
        )

    def _contacts(
        self, dice: np.random.Generator, begins: datetime
    ) -> tuple[list[Contact], list[tuple[Contact, float]]]:
        """(who may be dialed at once, who waits until when), in an order of chance: positions
        of zones and repeats are mixed on a real list.
        """
        question = self.question
        kinds: list[tuple[str, bool, int, int]] = []
        if question.assumed.contacts is not None:
            kinds = [(question.zone, False, 0, 0)] * question.assumed.contacts
        else:
            for part in question.queue:
                if part.due_in_h >= 0:
                    kind = (part.zone, part.later, part.rounds_failed, part.due_in_h)
                    kinds += [kind] * part.contacts
        order = dice.permutation(len(kinds))
        dead = dice.uniform(size=len(kinds)) < self.values["invalid_share"]
        ready: list[Contact] = []
        waits: list[tuple[Contact, float]] = []
        for place, chosen in enumerate(order.tolist()):
            zone, later, rounds_failed, due_in_h = kinds[chosen]
            contact = Contact(place, zone, dead=bool(dead[place]))
            contact.rounds_failed = rounds_failed
            contact.tries = 1 if later else 0
            ready.append(contact)
            if due_in_h > 0:
                ready.pop()
                waits.append((contact, due_in_h * 3600.0))
        return ready, waits
