"""`dialer testcall PHONE --gateway G --number N`: a call to one's own phone, every step shown.

Counts against the number's day like any call that reached the carrier (R1.3, R10.6) and is
given back where none did. Refused for destinations that are never dialed, phones on the stop
list, numbers that the gateway may not show, and while the emergency stop is on.
"""

from __future__ import annotations

import getpass
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import uuid4

import click

from dialer.app import link_to_switch, open_hopper, trial_call
from dialer.cli.options import CONFIG
from dialer.cli.quiet import quiet
from dialer.cli.stores import ledger_of
from dialer.core.calls.causes import Facts, derive, match
from dialer.core.calls.sound import DOUBTFUL, PACKETS_PER_S, Fault, Sound, faults
from dialer.core.model import AttemptId, Gateway, GatewayName, Number, NumberId, Verdict
from dialer.core.numbers.pools import number_day
from dialer.errors import ConfigError, Problem, StoreError
from dialer.esl.trial_call import Ending
from dialer.ledger.store import PostgresLedger
from dialer.ports import CustomerCall
from dialer.settings.daemon import Settings
from dialer.settings.loading import load
from dialer.settings.phones import PhoneReader
from dialer.settings.wording import did_you_mean, quoted


@click.command()
@click.argument("phone")
@click.option("--gateway", required=True, help="Through which gateway.")
@click.option("--number", required=True, help="Which number of ours is shown.")
@click.option(
    "--ring", "ring_s", type=click.IntRange(5, 120), default=30, show_default=True,
    help="Seconds to let it ring.",
)  # fmt: skip
@click.option(
    "--talk", "talk_s", type=click.IntRange(2, 300), default=20, show_default=True,
    help="Seconds after the answer until it is hung up.",
)  # fmt: skip
@CONFIG
def testcall_command(
    phone: str, gateway: str, number: str, ring_s: int, talk_s: int, config: Path
) -> None:
    """Call your own phone and show every step. You hear two tones, then yourself."""
    quiet()
    settings = load(config).settings
    way = _gateway(gateway, settings)
    shown = _number(number, way, settings)
    digits = _destination(phone, settings)
    now = datetime.now(UTC)
    call = CustomerCall(
        attempt=AttemptId(str(uuid4())),
        digits=digits,
        caller=shown.id,
        gateway=way.name,
        ring_timeout_s=ring_s,
        silence_ms=1,
        message="",
        max_talk_s=talk_s,
        opt_out_key="",
    )
    with ledger_of(settings) as ledger:
        _refuse_the_forbidden(ledger, digits, now)
        with Charge(settings, ledger, shown, number_day(shown, now)) as charge:
            ending, verdict = _dial(settings, call, way)
            charge.keep = verdict.number_charged
            charge.note(way, ending, verdict)
    sys.exit(0 if ending.answered_s is not None and not _faults(ending) else 1)


# ------------------------------------------------------------------ may it be called


def _wrong(place: str, what: str, remedy: str = "") -> ConfigError:
    return ConfigError([Problem(place=place, what=what, remedy=remedy)])


def _gateway(name: str, settings: Settings) -> Gateway:
    found = settings.gateways.get(GatewayName(name))
    if found is None:
        known = did_you_mean(name, settings.gateways)
        raise _wrong("--gateway", f"there is no gateway {quoted(name)}", known)
    return found


def _number(text: str, gateway: Gateway, settings: Settings) -> Number:
    for number in settings.numbers:
        if number.id == text:
            break
    else:
        raise _wrong("--number", "is none of our numbers", "one of a pool, like +74950000101")
    if gateway.name not in number.gateways:
        by = ", ".join(number.gateways) or "none: no contract lists it"
        what = f"{gateway.name} may not show it"
        raise _wrong("--number", what, f"these may: {by}")
    if number.state == "retired":
        raise _wrong("--number", "is retired", "state: active")
    return number


def _destination(text: str, settings: Settings) -> str:
    reader = PhoneReader(destinations=settings.destinations, own_numbers=settings.own_numbers)
    read = reader.read(text, None)
    if isinstance(read, str):
        raise _wrong("phone", read, "like +79161234567")
    return read.digits


def _refuse_the_forbidden(ledger: PostgresLedger, digits: str, now: datetime) -> None:
    if ledger.halted():
        _refuse("the emergency stop is on (dialer resume)")
    if ledger.is_stopped(digits, now):
        _refuse("this phone is on the stop list: its owner's word counts for tests, too")


def _refuse(why: str) -> None:
    click.echo(f"not called: {why}", err=True)
    sys.exit(1)


class Charge:
    """The number's day: taken before the call, given back where the carrier was not reached."""

    def __init__(
        self, settings: Settings, ledger: PostgresLedger, number: Number, day: date
    ) -> None:
        self._settings, self._ledger = settings, ledger
        self._number, self._day = number, day
        self.keep = True  # until it is known otherwise: it may have gone out

    def __enter__(self) -> Charge:
        if not self._ledger.charge_number(self._number, self._day):
            _refuse(f"{self._number.id} has reached its {self._number.hard_limit} calls today")
        self._count(1)
        return self

    def __exit__(self, *_: object) -> None:
        if not self.keep:
            self._ledger.credit_number(self._number.id, self._day)
            self._count(-1)

    def _count(self, calls: int) -> None:
        """In the daemons' counts as well; they ask the ledger again before each call."""
        try:
            open_hopper(self._settings).count(self._number.id, self._day, calls)
        except StoreError as error:
            click.echo(f"Redis does not know of this call: {error}", err=True)

    def note(self, gateway: Gateway, ending: Ending, verdict: Verdict) -> None:
        self._ledger.note_test_call(
            who=getpass.getuser(),
            number=NumberId(self._number.id),
            details={
                "gateway": gateway.name,
                "disposition": verdict.disposition.value,
                "cause": ending.evidence.cause,
                "sip_status": ending.evidence.sip_status,
                "charged": self.keep,
            },
            now=datetime.now(UTC),
        )


# ------------------------------------------------------------------ the call


def _dial(settings: Settings, call: CustomerCall, gateway: Gateway) -> tuple[Ending, Verdict]:
    link = link_to_switch(settings)
    link.connect()
    try:
        ending = trial_call(settings, link, _tell).run(call, gateway)
    finally:
        link.stop()
    facts = Facts(
        answered=ending.answered_s is not None,
        bridged=ending.answered_s is not None,
        rang=ending.rang_s is not None,
    )
    verdict = derive(ending.evidence, facts=facts)
    _show(ending, verdict, match(ending.evidence, facts=facts).note)
    return ending, verdict


def _tell(seconds: float, words: str) -> None:
    click.echo(f"{seconds:7.2f} s  {words}")


def _show(ending: Ending, verdict: Verdict, note: str) -> None:
    told = ending.evidence
    codes = [f"SIP {told.sip_status}"] if told.sip_status else []
    codes += [f"Q.850 {told.q850}"] if told.q850 else []
    who = verdict.hung_up_by.value
    detail = f" ({', '.join(codes)})" if codes else ""
    _tell(ending.ended_s, f"ended by {who}: {told.cause}{detail}")
    if ending.answered_s is None:
        why = f": {note}" if note else ""
        click.echo(f"           that is: {verdict.disposition.value.replace('_', ' ')}{why}")
    if ending.sound is not None:
        click.echo(f"           sound: {_spoken(ending.sound)}")
    for fault in _faults(ending):
        click.echo(f"           ! {fault}", err=True)
    charged = "counts" if verdict.number_charged else "never reached the carrier: counts not"
    click.echo(f"           {charged} against the number's day")


def _spoken(sound: Sound) -> str:
    mos = f", MOS {sound.mos:.1f}" if sound.mos else ""
    return (
        f"{sound.received} packets received, {sound.sent} sent,"
        f" loss {sound.loss:.1%}, jitter up to {sound.jitter_ms:.0f} ms{mos}"
    )


def _faults(ending: Ending) -> list[str]:
    """What is wrong with the sound of an answered call that lasted long enough to tell."""
    sound, answered_s = ending.sound, ending.answered_s
    if sound is None or answered_s is None:
        return []
    lasted_s = ending.ended_s - answered_s
    expected = f"of about {lasted_s * PACKETS_PER_S:.0f} packets"
    words = {
        Fault.HEARD_NOTHING: f"one-way sound: we heard {sound.received} {expected};"
        " nat_address, firewall for RTP ports, the carrier's media address",
        Fault.SENT_NOTHING: f"one-way sound: we sent {sound.sent} {expected}; codec?",
        Fault.LOSS: f"{sound.loss:.1%} of the packets were lost: people will complain",
        Fault.JITTER: f"jitter of {sound.jitter_ms:.0f} ms: a jitter buffer, or another line",
    }
    return [words[fault] for fault in faults(sound, lasted_s, least=DOUBTFUL)]
