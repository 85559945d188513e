"""Why was this attempt allowed, and why is this phone (not) called: R6.8, in both languages.

Values for the terminal and for one file that goes to a supervising body. Phones are masked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from dialer.core.model import AttemptId, Campaign, PhoneId
from dialer.core.permission.decide import Allowed, decide
from dialer.core.permission.persistence import DAYS, Figures, Judged, rests
from dialer.core.permission.reasons import SENTENCES, Reason
from dialer.core.permission.russian import SENTENCES_RU
from dialer.ledger.people import Standing
from dialer.ledger.store import PostgresLedger
from dialer.reports.wording import masked

#: The longest rest that a law asks for is a year.
LOOKBACK = timedelta(days=400)
#: Where a contact rests in the queue, as a reason.
_RESTING = {
    "done": Reason.DONE,
    "check_list": Reason.CHECK_LIST,
    "review": Reason.IN_REVIEW,
    "archive": Reason.ARCHIVED,
    "off_list": Reason.CAMPAIGN_ENDED,
    "dialing": Reason.ALREADY_BEING_CALLED,
}

WORDS: dict[str, dict[str, str]] = {
    "en": {
        "allowed": "may be called now",
        "denied": "is not called",
        "until": "until",
        "not_queued": "is not in this campaign's queue",
        "unknown": "the base does not know this phone: no stop, no consent, no attempt",
    },
    "ru": {
        "allowed": "звонить можно",
        "denied": "звонка не будет",
        "until": "до",
        "not_queued": "в очереди этой кампании его нет",
        "unknown": "в базе этого номера нет: ни стопа, ни согласия, ни попыток",
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One campaign's answer about one card; `reason` None: it may be called now."""

    campaign: str
    contact: int
    reason: Reason | None
    until: datetime | None
    queued: bool
    grounds: dict[str, Any] | None

    def sentence(self, language: str) -> str:
        """For a person."""
        words = WORDS[language]
        if self.reason is None:
            said = words["allowed"]
            return said if self.queued else f"{said}, {words['not_queued']}"
        reasons = SENTENCES_RU if language == "ru" else SENTENCES
        until = ""
        if self.until is not None:
            until = f" ({words['until']} {self.until.astimezone():%Y-%m-%d %H:%M:%S %z})"
        return f"{words['denied']}: {reasons[self.reason]}{until}"

    def as_json(self) -> dict[str, Any]:
        return {
            "campaign": self.campaign,
            "contact": self.contact or None,
            "allowed": self.reason is None,
            "reason": None if self.reason is None else self.reason.value,
            "until": self.until,
            "queued": self.queued,
            "en": self.sentence("en"),
            "ru": self.sentence("ru"),
            "grounds": self.grounds,
        }


def why_not(
    ledger: PostgresLedger,
    phone: PhoneId,
    campaigns: Sequence[tuple[Campaign, frozenset[date]]],
    now: datetime,
    *,
    destination_allowed: bool = True,
) -> list[Told]:
    """Every campaign's answer, with its holidays, for every card of the phone."""
    told = []
    halted = ledger.halted()
    for campaign, holidays in campaigns:
        resting = rests(Judged(pace=ledger.pace_of(campaign.name)), now)
        for one in ledger.standings(phone, campaign.name, now - LOOKBACK):
            if halted or not campaign.active:
                why = Reason.HALTED if halted else Reason.CAMPAIGN_ENDED
                told.append(_told(campaign, one, why))
                continue
            judged = _judged(campaign, one, now, holidays, destination_allowed)
            if judged.reason is None and resting:
                judged = _told(campaign, one, Reason.PERSISTENCE)
            told.append(judged)
    return told


def _judged(
    campaign: Campaign,
    one: Standing,
    now: datetime,
    holidays: frozenset[date],
    destination_allowed: bool,
) -> Told:
    if not destination_allowed:
        return _told(campaign, one, Reason.DESTINATION)
    answer = decide(one.candidate, campaign, now, holidays)
    if isinstance(answer, Allowed):
        resting = _RESTING.get(one.queue_state or "")
        grounds = answer.grounds if resting is None else None
        return _told(campaign, one, resting, grounds=grounds)
    why, until = answer.why, answer.until
    if why is Reason.RETRY_LATER and one.held_reason:
        why = next((one_of for one_of in Reason if one_of == one.held_reason), why)
    return _told(campaign, one, why, until)


def _told(
    campaign: Campaign,
    one: Standing,
    reason: Reason | None,
    until: datetime | None = None,
    *,
    grounds: dict[str, Any] | None = None,
) -> Told:
    return Told(
        campaign=campaign.name,
        contact=one.contact,
        reason=reason,
        until=until,
        queued=one.queue_state is not None,
        grounds=grounds,
    )


#: Of one person: figure, its words.
_OF_PERSON = (
    ("tries", "tries", "попыток"),
    ("talks", "talks", "разговоров"),
    ("refusals", "refusals", "отказов"),
    ("instant_hang_ups", "hung up within 3 s", "бросил трубку в первые 3 с"),
    ("opt_outs", "wishes not to be called", "просьб не звонить"),
    ("complaints", "complaints", "жалоб"),
)

PERSON_FIGURES = tuple(key for key, _, _ in _OF_PERSON)


def of_person(figures: Figures, language: str) -> str:
    """Where persistence stands with him (R6.11): one line."""
    russian = language == "ru"
    told = [f"{ru if russian else en}: {getattr(figures, key)}" for key, en, ru in _OF_PERSON]
    days = f"за {DAYS} дней" if russian else f"in {DAYS} days"
    return f"{days}: {', '.join(told)}"


# ------------------------------------------------------------------ one attempt


def why(ledger: PostgresLedger, attempt: AttemptId) -> dict[str, Any] | None:
    """An attempt with its grounds as they stood; None: there is no such attempt."""
    found = ledger.reports.explain(attempt)
    if found is None:
        return None
    digits = ledger.digits_of([PhoneId(found["phone_id"])])
    found["phone"] = masked(digits.get(PhoneId(found["phone_id"]), ""))
    found["consent"] = _proof(ledger, found)
    return found


def _proof(ledger: PostgresLedger, found: dict[str, Any]) -> dict[str, Any] | None:
    """The consent by which it was allowed, with its evidence, and what became of it since."""
    grounds = found["grounds"]
    given_at = (grounds.get("at_commit") or {}).get("consent_given_at")
    if given_at is None:
        return None
    purpose, given = grounds.get("purpose"), datetime.fromisoformat(given_at)
    for contact, one in ledger.consents_of(PhoneId(found["phone_id"])):
        is_his = contact in (0, found["contact_id"]) and one.given_at == given
        if is_his and purpose in (None, one.purpose):
            return {
                "purpose": one.purpose,
                "given_at": one.given_at,
                "expires_at": one.expires_at,
                "withdrawn_at": one.withdrawn_at,
                "text_version": one.text_version,
                "source": one.source,
                "evidence": one.evidence,
            }
    return None


_TITLES: tuple[tuple[str, str, str], ...] = (
    ("attempt", "attempt", "попытка"),
    ("campaign", "campaign", "кампания"),
    ("phone", "called number", "вызванный номер"),
    ("number", "number shown", "показанный номер"),
    ("committed_at", "decided at", "решение принято"),
    ("ended_at", "ended at", "окончена"),
    ("disposition", "came to", "исход"),
)


_PROOF_TITLES = (
    ("evidence", "its evidence", "чем подтверждено"),
    ("text_version", "its text", "текст согласия"),
    ("source", "where it came from", "откуда получено"),
    ("withdrawn_at", "withdrawn since", "отозвано позже"),
)


def _proof_lines(proof: dict[str, Any] | None, *, russian: bool) -> list[tuple[str, str]]:
    told = proof or {}
    return [
        (ru if russian else en, str(told[key]))
        for key, en, ru in _PROOF_TITLES
        if told.get(key) is not None
    ]


def attempt_lines(found: dict[str, Any], language: str) -> list[tuple[str, str]]:
    """(title, value) of an attempt and of its grounds, rule by rule."""
    russian = language == "ru"
    lines = [
        (ru if russian else en, str(found[key]))
        for key, en, ru in _TITLES
        if found.get(key) is not None
    ]
    grounds = found["grounds"]
    consent = grounds.get("consent") or {}
    commit = grounds.get("at_commit") or {}
    basis = "основание" if russian else "legal ground"
    if isinstance(consent, dict) and consent.get("required") is False:
        lines.append((basis, str(consent.get("ground"))))
    elif commit.get("consent_given_at"):
        given = "согласие дано" if russian else "consent given"
        purpose = consent.get("purpose") if isinstance(consent, dict) else ""
        lines.append((given, f"{commit['consent_given_at']} ({purpose})"))
    lines += _proof_lines(found.get("consent"), russian=russian)
    if grounds.get("preset"):
        lines.append(("правила страны" if russian else "country's rules", grounds["preset"]))
    hours = grounds.get("hours") or {}
    if hours:
        title = "часы абонента" if russian else "hours of the called party"
        lines.append((title, "; ".join(hours.get("windows", [])) or "-"))
        title = "часовые пояса" if russian else "time zones"
        lines.append((title, ", ".join(hours.get("zones", [])) or "-"))
    tries = grounds.get("tries") or {}
    titles = {
        "today": ("tries today", "попыток за день"),
        "week": ("tries in the week", "попыток за неделю"),
        "month": ("tries in the month", "попыток за месяц"),
        "talks_today": ("talks today", "разговоров за день"),
    }
    for key, (en, ru) in titles.items():
        if key in tries:
            done = commit.get(key, tries[key][0])
            word = "из" if russian else "of"
            lines.append((ru if russian else en, f"{done} {word} {tries[key][1]}"))
    return lines
