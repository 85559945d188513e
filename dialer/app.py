"""The one file that knows every room and joins them.

Everything below `cli` is built here from validated settings: the command line and the processes
it starts never make a room themselves. The simulated switch is the same event-socket room with
another address; nothing of the daemon knows the difference.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from gevent.pywsgi import WSGIServer

from dialer.core.model import AttemptId, Campaign, InstanceName, Moment
from dialer.core.permission.destinations import refusal
from dialer.core.permission.reasons import Reason
from dialer.diary.files import DiaryFiles
from dialer.engine.daemon import Daemon, Plan, Ports
from dialer.engine.retention import prune
from dialer.engine.sealing import NO_ATTEMPT, seal_some
from dialer.engine.status import health
from dialer.engine.supervision import Notifier
from dialer.errors import ConfigError, Problem, StoreError
from dialer.esl.commands import House
from dialer.esl.facts import Questions, lets_in
from dialer.esl.keeper import SocketSettings
from dialer.esl.link import Link
from dialer.esl.switch import EventSocketSwitch
from dialer.esl.trial_call import TrialCall
from dialer.hopper.client import connect
from dialer.hopper.presence import RedisPresence
from dialer.hopper.queue import RedisHopper
from dialer.journal.files import JournalFiles
from dialer.ledger.store import PostgresLedger
from dialer.ledger.vault import Vault, read_ring
from dialer.metrics.exposition import application
from dialer.metrics.meter import PrometheusMeter
from dialer.metrics.timed import timed
from dialer.ports import Command
from dialer.recordings.folder import RecordingFolder
from dialer.settings.calendars import moved_days_missing
from dialer.settings.daemon import Settings
from dialer.settings.data_keys import LOOKUP_KEY, read_keys
from dialer.settings.loading import Loaded, load


class SystemClock:
    """The machine's clocks, read together."""

    def now(self) -> Moment:
        return Moment(time.monotonic(), datetime.now(UTC))


# ------------------------------------------------------------------ rooms


def open_ledger(settings: Settings, *, migrate: bool = False) -> PostgresLedger:
    """Opened; raises StoreError with what to do."""
    ledger = make_ledger(settings, migrate=migrate)
    ledger.open()
    return ledger


def make_ledger(
    settings: Settings,
    *,
    migrate: bool = False,
    needs_keys: bool = False,
    vault: Vault | None = None,
) -> PostgresLedger:
    """Raises ConfigError where the keys of personal data are not what they should be."""
    return PostgresLedger(
        settings.postgresql_dsn,
        vault=vault or make_vault(settings),
        migrate_at_open=migrate,
        needs_keys=needs_keys,
    )


def make_vault(settings: Settings) -> Vault:
    """From the environment or the files that dialer.yaml names, read now.

    Raises ConfigError, which never quotes a key.
    """
    texts = read_keys(settings.key_files, os.environ)
    lookup = texts.lookup_key.encode() or None
    keys = read_ring(texts.ring, texts.place)
    if texts.place and not keys:
        what, remedy = "holds no data key", "dialer keys new NAME makes one"
        raise ConfigError([Problem(place=texts.place, what=what, remedy=remedy)])
    if keys and lookup is None:
        what = "is not set, so the lookup digests would give away the numbers that are sealed"
        remedy = "a long random text, before the first import; it cannot be changed later"
        raise ConfigError([Problem(place=LOOKUP_KEY, what=what, remedy=remedy)])
    return Vault(keys, lookup=lookup)


def make_presence(settings: Settings) -> RedisPresence:
    """With a client of its own: it waits for commands, and must not hold up claims."""
    return RedisPresence(connect(settings.redis_url, connections=4))


def make_hopper(settings: Settings) -> RedisHopper:
    return RedisHopper(connect(settings.redis_url))


def make_switch(settings: Settings, clock: SystemClock) -> EventSocketSwitch:
    switch = settings.switch
    return EventSocketSwitch(
        SocketSettings(
            host=switch.host,
            port=switch.port,
            password=switch.password,
            user=switch.user,
            wake_every_ms=switch.wake_ms,
        ),
        house=_house(settings),
        gateways=settings.gateways,
        clock=clock,
        journal=switch.opt_out_journal,
    )


def _house(settings: Settings) -> House:
    return House(
        instance=settings.instance,
        sounds=settings.switch.sounds,
        refuse=partial(
            refusal,
            destinations=settings.destinations,
            own_numbers=settings.own_numbers,
        ),
    )


def questions_to_switch(settings: Settings) -> Questions:
    """A connection of its own beside a running daemon's; connects when it is entered."""
    return Questions(link_to_switch(settings), _house(settings))


def link_to_switch(settings: Settings) -> Link:
    switch = settings.switch
    return Link(switch.host, switch.port, switch.password, user=switch.user)


def trial_call(settings: Settings, link: Link, tell: Callable[[float, str], None]) -> TrialCall:
    """On a link that is connected."""
    return TrialCall(link, _house(settings), tell)


def open_hopper(settings: Settings) -> RedisHopper:
    return RedisHopper(connect(settings.redis_url, connections=1))


def switch_lets_in(settings: Settings, host: str, password: str) -> bool | None:
    """With this password and all rights? None: nobody answers there."""
    return lets_in(Link(host, settings.switch.port, password))


def plan_of(loaded: Loaded) -> Plan:
    """What the engine needs of the configuration."""
    settings = loaded.settings
    return Plan(
        campaigns={one.name: one for one in loaded.campaigns},
        groups=settings.groups,
        operators=settings.operators,
        gateways=settings.gateways,
        numbers=settings.numbers,
        switch_calls_per_s=settings.switch.calls_per_s,
        switch_calls_at_once=settings.switch.calls_at_once,
        recordings=settings.recordings,
        retention=settings.retention,
        quiet_hour=settings.quiet_hour,
        moved_days_missing=partial(moved_days_missing, settings.calendar),
    )


def holidays_of(
    settings: Settings, clock: SystemClock
) -> Callable[[Campaign], frozenset[date]]:
    """A campaign's days that count as Sundays: this year's and the next one's."""
    known: dict[tuple[str, int], frozenset[date]] = {}

    def holidays(campaign: Campaign) -> frozenset[date]:
        if campaign.holidays is None:
            return frozenset()
        year = clock.now().wall.year
        key = (campaign.holidays, year)
        if key not in known:
            known[key] = settings.calendar.holidays(campaign.holidays, (year, year + 1))
        return known[key]

    return holidays


def diary_folder(instance: InstanceName) -> Path:
    """Where this daemon's diary of pacing is: each has its own, their laws have own numbers."""
    return state_folder("pacing", instance)


def state_folder(kind: str, instance: InstanceName) -> Path:
    """What a daemon keeps on its own disk: `pacing`, the diary; `words`, the journal.

    Below $DIALER_STATE, else systemd's state directory, else the user's.
    """
    home = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    systemd = os.environ.get("STATE_DIRECTORY", "").split(":")[0]
    state = os.environ.get("DIALER_STATE") or systemd or f"{home}/dialer"
    return Path(state) / kind / instance


# ------------------------------------------------------------------ the daemon


class Service:
    """A daemon with its metrics and health served over HTTP."""

    def __init__(
        self, path: Path, campaign_files: list[Path] | None, *, migrate: bool = False
    ) -> None:
        def read() -> Loaded:
            return load(path, campaign_files=campaign_files)

        loaded = read()
        self.settings = settings = loaded.settings
        clock = SystemClock()
        self.meter = PrometheusMeter()
        self._switch = make_switch(settings, clock)
        observe = self.meter.observe
        vault = make_vault(settings)
        ledger = make_ledger(settings, migrate=migrate, needs_keys=True, vault=vault)

        def read_again() -> Plan:
            fresh = read()
            ledger.take_keys(make_vault(fresh.settings))
            return plan_of(fresh)

        ports = Ports(
            switch=timed(self._switch, observe, "dialer_switch_command_seconds"),
            hopper=timed(make_hopper(settings), observe, "dialer_store_seconds", store="redis"),
            presence=timed(
                make_presence(settings), observe, "dialer_store_seconds", store="redis"
            ),
            ledger=timed(
                ledger,
                observe,
                "dialer_store_seconds",
                store="postgresql",
            ),
            meter=self.meter,
            clock=clock,
            diary=DiaryFiles(diary_folder(settings.instance), self.meter),
            journal=JournalFiles(state_folder("words", settings.instance)),
            recordings=RecordingFolder(vault),  # a reload changes its ring
        )
        self.daemon = Daemon(
            settings.instance,
            ports,
            plan_of(loaded),
            load=read_again,
            holidays=holidays_of(settings, clock),
            notifier=Notifier(),
        )
        self._clock = clock
        listen = settings.http_listen
        self._http = WSGIServer(
            (listen.host, listen.port),
            application(self.meter, self._health),
            log=None,
        )

    def _health(self) -> tuple[bool, dict[str, Any]]:
        return health(self.daemon.status.value(self._clock.now()))

    def probe(self) -> str:
        """The switch's version; raises LinkDown or a wrong password, in a plain sentence."""
        return self._switch.probe()

    def run(self) -> None:
        self._listen()
        try:
            self.daemon.run()
        finally:
            self._http.stop(timeout=1)

    def _listen(self) -> None:
        """Raises ConfigError: another program (or daemon) has this address."""
        try:
            self._http.start()
        except OSError as error:
            listen = self.settings.http_listen
            what = f"cannot listen on {listen.host}:{listen.port}: {error.strerror or error}"
            remedy = "each daemon needs an address of its own: listen, or DIALER_HTTP_LISTEN"
            raise ConfigError([Problem(place="http", what=what, remedy=remedy)]) from error


def prune_recordings(settings: Settings, ledger: PostgresLedger, *, by: str) -> int:
    """By hand, what the daemon does daily; how many went."""
    if settings.recordings is None:
        return 0
    return prune(
        ledger,
        RecordingFolder(),
        settings.recordings,
        SystemClock(),
        instance=settings.instance,
        by=by,
    )


def recording_folder(settings: Settings) -> RecordingFolder:
    """For verbs that read files. Raises ConfigError where the keys are not right."""
    return RecordingFolder(make_vault(settings))


def seal_recordings(
    settings: Settings, ledger: PostgresLedger, progress: Callable[[int], None]
) -> tuple[int, Mapping[AttemptId, str]]:
    """All of our own folder under the first key, by hand: (how many, those that failed: why).

    `progress` gets how many more are done. The daemons do the same by themselves.
    """
    place = settings.recordings
    if place is None or not Path(place.folder).is_dir():
        return 0, {}
    folder, total = recording_folder(settings), 0
    failed: dict[AttemptId, str] = {}
    after: str | None = NO_ATTEMPT
    while after is not None:
        after, sealed, wrong = seal_some(
            ledger, folder, place, SystemClock(), instance=settings.instance, after=after
        )
        failed |= wrong
        total += sealed
        progress(sealed + len(wrong))
    return total, failed


def prune_everywhere(settings: Settings) -> dict[InstanceName, bool]:
    """Every daemon deletes the recordings that are due; instance -> it has. No Redis: none."""
    try:
        answers = ask(settings, "recordings.prune", {})
    except StoreError:
        return {}
    return {name: bool(answer and answer.get("ok")) for name, answer in answers.items()}


# ------------------------------------------------------------------ asking running daemons


def ask(
    settings: Settings, verb: str, words: dict[str, Any], *, timeout_s: float = 5.0
) -> dict[InstanceName, dict[str, Any] | None]:
    """Send a command to every daemon that shows itself; instance -> answer (None: silent)."""
    presence = make_presence(settings)
    sent = {}
    for instance in instances(presence):
        command = Command(id=str(uuid4()), verb=verb, words=words)
        presence.send(instance, command)
        sent[instance] = command.id
    answers: dict[InstanceName, dict[str, Any] | None] = {}
    for instance, command_id in sent.items():
        answer = presence.await_reply(command_id, timeout_s)
        answers[instance] = None if answer is None else dict(answer)
    return answers


def instances(presence: RedisPresence) -> Iterable[InstanceName]:
    """Those who obey: one that waits for its name does not."""
    waits = Reason.NAME_TAKEN.value
    statuses = presence.statuses().items()
    return sorted(name for name, one in statuses if waits not in one["held_back_by"])


def tell_one(settings: Settings, verb: str, words: dict[str, Any]) -> bool:
    """Send a command to one running daemon, if there is one, and do not wait for its answer."""
    presence = make_presence(settings)
    for instance in instances(presence):
        presence.send(instance, Command(id=str(uuid4()), verb=verb, words=words))
        return True
    return False
