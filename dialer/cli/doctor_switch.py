"""`dialer doctor`: switch, gateways, sounds and phones judged. Facts in, findings out."""

from __future__ import annotations

import re
import wave
from collections.abc import Iterable, Iterator
from pathlib import Path

from dialer.cli.doctor_stores import of_clock
from dialer.cli.findings import Finding, failure, fine, warning
from dialer.core.model import Campaign
from dialer.esl.facts import NEEDED_MODULES, UNWANTED_MODULES, SwitchFacts
from dialer.esl.keeper import SUPPORTED
from dialer.settings.daemon import Settings
from dialer.settings.trunks import Trunk

SWITCH, DEFAULT_PASSWORD = "switch", "ClueCon"
RIGHT_RATE = 8_000
#: The switch's own fuse must never be the one that limits: it blows without a word.
SPARE = 1.2
_VERSION = re.compile(r"(\d{1,3})\.(\d{1,3})\.(\d{1,4})")


def of_password(settings: Settings, default_works: bool | None) -> Iterator[Finding]:
    """`default_works`: does the event socket let anybody in who knows FreeSWITCH's manual?"""
    if settings.switch.password == DEFAULT_PASSWORD or default_works:
        yield failure(
            SWITCH,
            "its event socket takes the default password that the whole world knows",
            "another in event_socket.conf.xml (openssl rand -hex 24), restart, and here"
            " DIALER_SWITCH_PASSWORD or switch.password_file",
        )
    else:
        yield fine(SWITCH, "its event socket refuses the default password")


def of_reach(local: bool, greeted_elsewhere: bool | None) -> Iterator[Finding]:
    """`greeted_elsewhere`: does its event socket answer on the machine's public address?"""
    if not local:
        yield warning(
            SWITCH,
            "its event socket is reached over a network, in clear text",
            "bind it to 127.0.0.1 and come through WireGuard or stunnel",
        )
    elif greeted_elsewhere:
        yield failure(
            SWITCH,
            "its event socket answers on this machine's public address, too",
            "event_socket.conf.xml: listen-ip 127.0.0.1, apply-inbound-acl loopback.auto",
        )
    else:
        yield fine(SWITCH, "its event socket answers on loopback only")


def of_switch(facts: SwitchFacts, settings: Settings) -> Iterator[Finding]:
    yield from _version(facts.version)
    yield from _rights(facts, settings)
    yield from _modules(facts)
    yield from _limits(facts, settings)
    if facts.clock_offset_s is None:
        yield failure(
            SWITCH,
            "sends us no event",
            "allow CUSTOM dialer::tick (directory/dialer.xml); or another client is stuck",
        )
    else:
        yield of_clock(SWITCH, facts.clock_offset_s)


def _version(version: str) -> Iterator[Finding]:
    found = _VERSION.search(version)
    shown = found[0] if found else version[:60] or "of no version that it tells"
    supported = ".".join(map(str, SUPPORTED))
    if found and tuple(map(int, found.groups())) >= SUPPORTED:
        yield fine(SWITCH, f"is FreeSWITCH {shown}")
    else:
        yield warning(
            SWITCH, f"is FreeSWITCH {shown}", f"{supported} has 21 security fixes: install it"
        )


def _rights(facts: SwitchFacts, settings: Settings) -> Iterator[Finding]:
    for name in facts.missing:
        yield failure(
            SWITCH,
            f"has no command {name}",
            "its module; interface-allowlist in switch.conf",
        )
    if facts.forbidden:
        yield failure(
            SWITCH,
            f"does not allow us {', '.join(facts.forbidden)}",
            "esl-allowed-api of our account: config/freeswitch/directory/dialer.xml",
        )
    if settings.switch.user is None:
        yield warning(
            SWITCH,
            "the daemon logs in with the password that may do everything",
            "switch: user: dialer@dialer.local, as in config/freeswitch/directory/dialer.xml",
        )
    elif not facts.forbidden and not facts.missing:
        yield fine(SWITCH, f"{settings.switch.user} may do what a dialer needs")
    if facts.shell:
        yield warning(
            SWITCH,
            "runs programs for whoever has this password (command system)",
            "interface-allowlist, as in config/freeswitch/autoload_configs/switch.conf.xml",
        )


def _modules(facts: SwitchFacts) -> Iterator[Finding]:
    missing = [name for name in NEEDED_MODULES if facts.modules[name] is False]
    if missing:
        names = ", ".join(missing)
        yield failure(SWITCH, f"has not loaded {names}", "modules.conf.xml, and a restart")
    unwanted = [name for name in UNWANTED_MODULES if facts.modules[name]]
    if unwanted:
        names = ", ".join(unwanted)
        yield warning(
            SWITCH, f"has loaded {names}", "a dialer needs none of them: take them out"
        )
    if not missing and not unwanted:
        yield fine(SWITCH, "has the modules that are needed")


def _limits(facts: SwitchFacts, settings: Settings) -> Iterator[Finding]:
    own = settings.switch
    needed_per_s = 2 * own.calls_per_s
    needed_at_once = SPARE * (own.calls_at_once + 2 * len(settings.operators))
    for has, needs, name, word in (
        (facts.calls_per_s, needed_per_s, "sessions-per-second", "new calls a second"),
        (facts.calls_at_once, needed_at_once, "max-sessions", "calls at once"),
    ):
        if has is None:
            yield warning(SWITCH, f"does not say how many {word} it takes", "allow us: status")
        elif has < needs:
            yield warning(
                SWITCH,
                f"takes {has} {word}; dialer.yaml needs {needs:.0f} of it",
                f"{name} {needs:.0f} in switch.conf.xml: its own limit refuses silently",
            )
        else:
            yield fine(SWITCH, f"takes {has} {word}")


# ------------------------------------------------------------------ gateways


def of_gateways(facts: SwitchFacts, settings: Settings) -> Iterator[Finding]:
    for name, trunk in settings.trunks.items():
        yield from _gateway(f"gateway {name}", facts.gateways[name], trunk)


def _gateway(subject: str, told: dict[str, str] | object, trunk: Trunk) -> Iterator[Finding]:
    seen = dict(told) if isinstance(told, dict) else {}
    if "Status" not in seen:
        yield failure(
            subject,
            "is not known to the switch",
            f"dialer gateways write, then: sofia profile {trunk.profile} rescan; does that"
            " profile run?",
        )
        return
    state, status = seen.get("State", ""), seen["Status"]
    if trunk.register and state != "REGED":
        yield failure(
            subject, f"is not registered ({state})", "user, password, proxy; ask the carrier"
        )
    elif not status.startswith("UP"):
        yield failure(subject, f"is {status}", "it does not answer its ping: network, carrier")
    elif seen.get("PingFreq", "0") == "0" and not trunk.register:
        yield warning(
            subject,
            "is never asked whether it lives: it is UP for ever",
            "ping, ping-min 1, ping-max 1; `dialer gateways write` sets them",
        )
    else:
        how = "registered" if trunk.register else "answers its ping"
        yield fine(subject, f"is up ({how})")
    proxy = seen.get("Proxy", "").removeprefix("sip:").partition(";")[0]
    if (
        trunk.proxy is not None
        and proxy
        and proxy.removesuffix(":5060") != (trunk.proxy.removesuffix(":5060"))
    ):
        yield warning(
            subject,
            f"leads to {proxy} on the switch, to {trunk.proxy} in dialer.yaml",
            "dialer gateways write, then killgw and rescan",
        )


# ------------------------------------------------------------------ messages and phones


def of_sounds(
    facts: SwitchFacts, settings: Settings, campaigns: Iterable[Campaign]
) -> Iterator[Finding]:
    folder = settings.switch.sounds
    if folder is None:
        yield warning(
            "sounds",
            "where the messages lie is not said: they cannot be looked for",
            "switch: sounds: FOLDER on the switch's machine",
        )
        return
    users: dict[str, str] = {}
    for campaign in campaigns:
        users.setdefault(campaign.message, campaign.name)
    for name, campaign_name in users.items():
        there = facts.sounds.get(name)
        if there is None:
            yield warning("sounds", f"{name} cannot be looked for", "allow us: file_exists")
        elif not there:
            yield failure(
                "sounds",
                f"{name} of {campaign_name} is not on the switch: people would hear silence",
                f"put it into {folder}",
            )
        else:
            yield _rate(name, Path(folder) / name)


def _rate(name: str, path: Path) -> Finding:
    """Of a file on this machine; another machine's is only known to be there."""
    try:
        with wave.open(str(path), "rb") as file:
            rate, channels = file.getframerate(), file.getnchannels()
    except FileNotFoundError:
        return fine("sounds", f"{name} is on the switch (its form is not seen from here)")
    except (OSError, wave.Error, EOFError) as error:
        return warning("sounds", f"{name} cannot be read: {error}", "16 bit WAV, 8 kHz, mono")
    if (rate, channels) != (RIGHT_RATE, 1):
        what = f"{name} has {rate} Hz and {channels} channels"
        return warning("sounds", what, f"sox IN -r {RIGHT_RATE} -c 1 -b 16 OUT.wav")
    return fine("sounds", f"{name} is there, {rate} Hz, mono")


def of_phones(facts: SwitchFacts, settings: Settings) -> Iterator[Finding]:
    if facts.registered is None:
        yield warning("phones", "which are registered is not said", "allow us: show")
        return
    away = sorted(
        name
        for name, one in settings.operators.items()
        if one.endpoint.removeprefix("user/") not in facts.registered
    )
    if away:
        names = ", ".join(away[:10]) + (" …" if len(away) > 10 else "")
        yield warning(
            "phones",
            f"{len(away)} of {len(settings.operators)} are not registered: {names}",
            "these operators cannot log in: is the phone on; domain, password",
        )
    else:
        yield fine("phones", f"all {len(settings.operators)} operators' are registered")
