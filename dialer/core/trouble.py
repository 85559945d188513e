"""What a person should mend although dialing goes on: a closed set with its remedies.

What stops dialing altogether is a `permission.reasons.Reason` and shuts the gate; a trouble is
shown in `dialer status`, in `/healthz` and as a metric for as long as it lasts.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """One kind of trouble; the value is the metric's label."""

    GATEWAY_DOWN = "gateway_down"
    GATEWAY_FLAPS = "gateway_flaps"
    GATEWAY_FAILS = "gateway_fails"
    SWITCH_TOO_OLD = "switch_too_old"
    SOUND_MISSING = "sound_missing"
    CLOCK_DIFFERS = "clock_differs"
    PERSISTENCE = "persistence"
    BUDGET_USED_UP = "budget_used_up"
    RETENTION_LATE = "retention_late"
    JOURNAL_FAILS = "journal_fails"
    HOLIDAYS_MISSING = "holidays_missing"


REMEDIES: dict[Kind, str] = {
    Kind.GATEWAY_DOWN: "ask FreeSWITCH: sofia status gateway NAME; or the carrier",
    Kind.GATEWAY_FLAPS: "it rests; look for a lossy line, or two registrations on one account",
    Kind.GATEWAY_FAILS: "it rests; the carrier refuses: limits, account, numbers shown",
    Kind.SWITCH_TOO_OLD: "install FreeSWITCH 1.11.2 or newer: it lacks security fixes",
    Kind.SOUND_MISSING: "put the file there: until then callers hear silence, or are not"
    " recorded where it should say so",
    Kind.CLOCK_DIFFERS: "mend NTP on both machines; from 2 s on nothing is dialed",
    Kind.PERSISTENCE: "look at the list, the hours and what is said; days older than 30 leave"
    " the figures by themselves",
    Kind.BUDGET_USED_UP: "nothing, or raise the campaign's budget; tomorrow it dials again",
    Kind.HOLIDAYS_MISSING: "write them under calendar: COUNTRY: add / remove and reload, or"
    " take a newer library; until then nobody is spared on a moved day off",
    Kind.JOURNAL_FAILS: "free the disk or mend the folder: until then a restored backup would"
    " forget the latest stops",
    Kind.RETENTION_LATE: "the log says why (retention ...); dialer retention apply does it now",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One trouble: what, with whom, in words."""

    kind: Kind
    subject: str
    text: str

    @property
    def sentence(self) -> str:
        """For a person: what it is and what to do."""
        return f"{self.text} ({REMEDIES[self.kind]})"
