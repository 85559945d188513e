"""How often calls of a campaign are answered, lately: what power needs to price an extra call.

A plain decayed share; predictive pacing brings real estimates by age of call (its own issue).
"""

from __future__ import annotations

from dialer.core.model import CampaignName

#: Each ended call weighs this much less with every later one: a memory of 200 calls.
DECAY = 0.995
#: Below so many calls nothing is said.
LEAST = 40.0


class AnswerTally:
    """Ended and answered calls of each campaign; written by the performer, read by the
    pacer.
    """

    def __init__(self) -> None:
        self._ended: dict[CampaignName, float] = {}
        self._answered: dict[CampaignName, float] = {}

    def count(self, campaign: CampaignName, *, answered: bool) -> None:
        self._ended[campaign] = self._ended.get(campaign, 0.0) * DECAY + 1.0
        self._answered[campaign] = self._answered.get(campaign, 0.0) * DECAY + float(answered)

    def rate(self, campaign: CampaignName) -> float | None:
        """Answered / ended, or None while too few have ended."""
        ended = self._ended.get(campaign, 0.0)
        return None if ended < LEAST else self._answered[campaign] / ended
