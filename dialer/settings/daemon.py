"""config/dialer.yaml as frozen values: what app.py joins the rooms with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from pydantic_core import PydanticCustomError

from dialer.core.model import (
    Gateway,
    GatewayName,
    Group,
    GroupName,
    InstanceName,
    Number,
    OperatorId,
    OperatorProfile,
    PoolName,
    RecordingPlace,
)
from dialer.core.permission.destinations import HOME_RU, Destinations
from dialer.core.permission.retention import DataKind, QuietHour
from dialer.errors import Problem
from dialer.settings.calendars import Calendar, CalendarChanges
from dialer.settings.credentials import Credentials
from dialer.settings.daemon_model import DaemonModel, Listen, read_listen
from dialer.settings.data_keys import KeyFiles
from dialer.settings.own_numbers import numbers_of
from dialer.settings.personal_data import wrong_places
from dialer.settings.places import shown
from dialer.settings.scalars import read_name
from dialer.settings.tags import Tags, load_tags
from dialer.settings.tree import Loc, Tree
from dialer.settings.trunks import Trunk, by_contract, gateways_of, trunks_of
from dialer.settings.validate import problem_at
from dialer.settings.wording import did_you_mean


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchSettings:
    """How to reach the switch, and the most that all campaigns together ask of it."""

    host: str
    port: int
    password: str = field(repr=False)
    user: str | None
    opt_out_journal: Path | None
    wake_ms: int
    calls_per_s: float
    calls_at_once: int
    sounds: str | None
    domain: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Responsible:
    """Who answers for personal data (R6.12)."""

    name: str
    contact: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything of config/dialer.yaml, validated whole. Secrets do not show in its repr."""

    instance: InstanceName
    switch: SwitchSettings
    redis_url: str = field(repr=False)
    postgresql_dsn: str = field(repr=False)
    http_listen: Listen
    log_level: str
    recordings: RecordingPlace | None
    responsible: Responsible | None
    retention: Mapping[DataKind, float]  # seconds
    quiet_hour: QuietHour
    key_files: KeyFiles
    gateways: Mapping[GatewayName, Gateway]
    trunks: Mapping[GatewayName, Trunk]
    callbacks: Mapping[PoolName, str]
    pools: Mapping[PoolName, tuple[Number, ...]]
    groups: Mapping[GroupName, Group]
    operators: Mapping[OperatorId, OperatorProfile]
    pause_reasons: tuple[str, ...]
    destinations: Destinations
    own_numbers: frozenset[str]
    calendar: Calendar
    tags: Tags

    @property
    def numbers(self) -> tuple[Number, ...]:
        """All numbers to show, pool by pool."""
        return tuple(number for pool in self.pools.values() for number in pool)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What is outside of the file: its folder, the environment, must secrets be there?"""

    folder: Path
    environ: Mapping[str, str]
    secrets_needed: bool = True


def settings_of(
    model: DaemonModel, tree: Tree, around: Surroundings
) -> tuple[Settings, list[Problem]]:
    """The values, and what is wrong across keys (then the values are not to be used)."""
    secrets = Credentials(
        tree=tree,
        folder=around.folder,
        environ=around.environ,
        needed=around.secrets_needed,
    )
    pools, problems = numbers_of(model, tree)
    operators = _operators(model, tree, problems)
    trunks = trunks_of(model, secrets)
    pools = by_contract(pools, trunks)
    redis_url, dsn = _addresses(secrets)
    tags, tag_problems = _tags(model, tree, around.folder)
    settings = Settings(
        instance=_instance(model, secrets),
        switch=_switch(model, secrets),
        redis_url=redis_url,
        postgresql_dsn=dsn,
        http_listen=_listen(model, secrets),
        log_level=model.log.level,
        recordings=_recordings(model),
        responsible=_responsible(model),
        retention=dict(model.retention),
        key_files=KeyFiles(
            around.folder / model.keys_file if model.keys_file else None,
            around.folder / model.lookup_key_file if model.lookup_key_file else None,
        ),
        quiet_hour=QuietHour(at=model.quiet_hour.at, zone=model.quiet_hour.zone),
        gateways=gateways_of(model),
        trunks=trunks,
        callbacks={
            PoolName(name): given.callback_extension
            for name, given in model.pools.items()
            if given.callback_extension is not None
        },
        pools=pools,
        groups=_groups(model),
        operators=operators,
        pause_reasons=tuple(model.pause_reasons),
        destinations=HOME_RU
        if model.destinations is None
        else Destinations(tuple(model.destinations)),
        own_numbers=frozenset(number.id for pool in pools.values() for number in pool)
        | frozenset(model.inbound_numbers),
        calendar=_calendar(model),
        tags=tags,
    )
    places = wrong_places(model.personal_data, model.responsible is not None, tree)
    return settings, [*problems, *secrets.problems, *tag_problems, *places]


def _instance(model: DaemonModel, secrets: Credentials) -> InstanceName:
    asked = secrets.environ.get("DIALER_NAME")
    if not asked:
        return InstanceName(model.name)
    try:
        return InstanceName(read_name(asked))
    except PydanticCustomError:
        secrets.problems.append(_not_in_environment("DIALER_NAME", "no name", "dialer1"))
        return InstanceName(model.name)


def _switch(model: DaemonModel, secrets: Credentials) -> SwitchSettings:
    environ = secrets.environ
    port, asked = model.switch.port, environ.get("DIALER_SWITCH_PORT", "")
    if asked:
        good = asked.isascii() and asked.isdigit() and 0 < int(asked[:9]) <= 65535
        port = int(asked) if good else port
        if not good:
            secrets.problems.append(
                _not_in_environment("DIALER_SWITCH_PORT", "no port", "8021")
            )
    return SwitchSettings(
        host=environ.get("DIALER_SWITCH_HOST") or model.switch.host,
        port=port,
        password=secrets.find("switch", "password", "DIALER_SWITCH_PASSWORD", None),
        user=model.switch.user,
        opt_out_journal=secrets.folder / model.switch.opt_out_journal
        if model.switch.opt_out_journal
        else None,
        wake_ms=max(1, round(model.switch.wake * 1000)),
        calls_per_s=model.switch.calls_per_s,
        calls_at_once=model.switch.calls_at_once,
        sounds=model.switch.sounds,
        domain=model.switch.domain,
    )


def _addresses(secrets: Credentials) -> tuple[str, str]:
    url = secrets.find("redis", "url", "DIALER_REDIS_URL", "redis://127.0.0.1:6379/0")
    if url and urlsplit(url).scheme not in ("redis", "rediss", "unix"):
        secrets.problems.append(
            problem_at(
                secrets.tree, ("redis",), "the url is none of Redis", "redis://HOST:PORT/0"
            )
        )
    dsn = secrets.find("postgresql", "dsn", "DIALER_POSTGRESQL_DSN", "dbname=dialer")
    if dsn and "=" not in dsn and not dsn.startswith(("postgresql://", "postgres://")):
        what = "the dsn is none of PostgreSQL"
        remedy = "host=… dbname=… user=… or postgresql://…"
        secrets.problems.append(problem_at(secrets.tree, ("postgresql",), what, remedy))
    return url, dsn


def _listen(model: DaemonModel, secrets: Credentials) -> Listen:
    asked = secrets.environ.get("DIALER_HTTP_LISTEN")
    if not asked:
        return model.http.listen
    try:
        return read_listen(asked)
    except PydanticCustomError:
        secrets.problems.append(
            _not_in_environment("DIALER_HTTP_LISTEN", "no address", "127.0.0.1:9464")
        )
        return model.http.listen


def _not_in_environment(variable: str, what: str, example: str) -> Problem:
    return Problem(
        place=f"environment variable {variable}", what=f"holds {what}", remedy=f"like {example}"
    )


def _responsible(model: DaemonModel) -> Responsible | None:
    if model.responsible is None:
        return None
    return Responsible(name=model.responsible.name, contact=model.responsible.contact)


def _recordings(model: DaemonModel) -> RecordingPlace | None:
    given = model.recordings
    if given is None:
        return None
    return RecordingPlace(
        folder=given.folder, min_free_bytes=given.min_free, quota_bytes=given.quota
    )


def _groups(model: DaemonModel) -> Mapping[GroupName, Group]:
    return {
        GroupName(name): Group(
            name=GroupName(name),
            strategy=given.strategy,
            wrapup_s=given.wrapup,
            beep=given.beep,
        )
        for name, given in model.groups.items()
    }


def _operators(
    model: DaemonModel, tree: Tree, problems: list[Problem]
) -> Mapping[OperatorId, OperatorProfile]:
    operators: dict[OperatorId, OperatorProfile] = {}
    extensions: dict[str, str] = {}
    for name, given in model.operators.items():
        loc = ("operators", name)
        for group in given.groups:
            if group not in model.groups:
                what, remedy = f"there is no group {group}", did_you_mean(group, model.groups)
                problems.append(problem_at(tree, _group_loc(tree, loc, group), what, remedy))
        other = extensions.setdefault(given.extension, name)
        if other != name:
            what = f"{given.extension} is also the extension of {other}"
            problems.append(problem_at(tree, (*loc, "extension"), what))
        endpoint = given.endpoint
        if endpoint is None and model.switch.domain is not None:
            endpoint = f"user/{given.extension}@{model.switch.domain}"
        if endpoint is None:
            remedy = f"endpoint: user/{given.extension}@DOMAIN, or switch: domain for all"
            problems.append(problem_at(tree, loc, "no endpoint is given", remedy))
        operators[OperatorId(name)] = OperatorProfile(
            id=OperatorId(name),
            extension=given.extension,
            endpoint=endpoint or "",
            groups={GroupName(group): place for group, place in given.groups.items()},
        )
    return operators


def _group_loc(tree: Tree, loc: Loc, group: str) -> Loc:
    """Where an operator's group is named: an item of a list, or a key."""
    named = tree.at(*loc, "groups")
    if isinstance(named, list):
        return (*loc, "groups", named.index(group))
    return (*loc, "groups", group)


def _calendar(model: DaemonModel) -> Calendar:
    return Calendar(
        changes={
            country: CalendarChanges(
                added=frozenset(given.add), removed=frozenset(given.remove)
            )
            for country, given in model.calendar.items()
        }
    )


def _tags(model: DaemonModel, tree: Tree, folder: Path) -> tuple[Tags, list[Problem]]:
    if model.tags is None:
        return Tags(), []
    path = folder / model.tags
    if not path.is_file():
        return Tags(), [
            problem_at(tree, ("tags",), "there is no such file", f"looked for {shown(path)}")
        ]
    return load_tags(path)
