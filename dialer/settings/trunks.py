"""Gateways as values: what the daemon needs of them, and what FreeSWITCH's files need besides.

A *trunk* is the carrier's side: address, login, our address behind NAT, our contract's list of
numbers there. With a list, a number that does not stand on it is never shown by that gateway
(R1.10): it loses the gateway here, and `dialer doctor` says so, both ways.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from dialer.core.model import Gateway, GatewayName, Number, NumberId, PoolName, Price
from dialer.settings.credentials import Credentials
from dialer.settings.daemon_model import DaemonModel
from dialer.settings.gateway_model import GatewayModel, PriceModel
from dialer.settings.own_numbers import Pools
from dialer.settings.places import shown
from dialer.settings.tree import Tree
from dialer.settings.validate import problem_at

MOST_LISTED = 1_000_000
_LISTED = re.compile(r"(\+[1-9][0-9]{9,14})(?:\.\.(\+[1-9][0-9]{9,14}))?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trunk:
    """A carrier as FreeSWITCH has to know it. `contract` None: no list was given.

    `unlisted` are numbers that a pool gives to this gateway and the contract does not know.
    """

    name: GatewayName
    profile: str
    proxy: str | None
    transport: str
    register: bool
    username: str | None
    password: str = field(repr=False)
    realm: str | None
    from_domain: str | None
    expires_s: int
    ping_s: int
    caller_in_from: bool
    nat_address: str | None
    networks: tuple[str, ...]
    contract: frozenset[str] | None
    unlisted: tuple[NumberId, ...]
    call_label: str | None
    price: PriceModel | None


def gateways_of(model: DaemonModel) -> Mapping[GatewayName, Gateway]:
    """What the daemon dials by."""
    return {
        GatewayName(name): Gateway(
            name=GatewayName(name),
            calls_per_s=given.calls_per_s,
            calls_at_once=given.calls_at_once,
            called_form=given.called_form,
            called_strip=given.called_strip,
            called_prefix=given.called_prefix or "",
            sim_ports={NumberId(number): port for number, port in given.sim_ports.items()},
            caller_form=given.caller_form,
            caller_in=given.caller_in,
            codecs=tuple(given.codecs),
            dtmf=given.dtmf,
            media_encryption=given.media_encryption,
            price=None if given.price is None else _price(given.price),
        )
        for name, given in model.gateways.items()
    }


def _price(given: PriceModel) -> Price:
    return Price(
        per_attempt=given.per_attempt,
        per_call=given.per_call,
        per_minute=given.per_minute,
        step_s=given.step,
        currency=given.currency,
    )


def trunks_of(model: DaemonModel, secrets: Credentials) -> Mapping[GatewayName, Trunk]:
    """By gateway; problems are told to `secrets`."""
    return {
        GatewayName(name): _trunk(GatewayName(name), given, model, secrets)
        for name, given in model.gateways.items()
    }


def _trunk(
    name: GatewayName, given: GatewayModel, model: DaemonModel, secrets: Credentials
) -> Trunk:
    contract = _contract(name, given, secrets)
    if given.register_ and given.username is None:
        remedy = "the name that the carrier gave you"
        secrets.problems.append(
            problem_at(secrets.tree, ("gateways", name), "register without a username", remedy)
        )
    claimed = _claimed(name, model)
    return Trunk(
        name=name,
        profile=given.profile,
        proxy=given.proxy,
        transport=given.transport,
        register=given.register_,
        username=given.username,
        password=secrets.of_gateway(name) if given.username else "",
        realm=given.realm,
        from_domain=given.from_domain,
        expires_s=round(given.expires),
        ping_s=round(given.ping),
        caller_in_from=given.caller_in.startswith("from"),
        nat_address=given.nat_address,
        networks=tuple(given.networks),
        contract=contract,
        unlisted=tuple(n for n in claimed if contract is not None and n not in contract),
        call_label=given.call_label,
        price=given.price,
    )


def _claimed(gateway: GatewayName, model: DaemonModel) -> Iterator[NumberId]:
    """Every number that some pool lets this gateway show."""
    for pool in model.pools.values():
        for item in pool.numbers:
            if gateway in (item.gateways or pool.gateways):
                first = str(item.number)
                for value in range(int(first), int(item.last or first) + 1):
                    yield NumberId(f"+{value}")


def by_contract(pools: Pools, trunks: Mapping[GatewayName, Trunk]) -> Pools:
    """The pools without the gateways that may not show a number by their contract's list."""
    unlisted = {name: frozenset(trunk.unlisted) for name, trunk in trunks.items()}
    if not any(unlisted.values()):
        return pools
    kept: dict[PoolName, tuple[Number, ...]] = {}
    for pool, numbers in pools.items():
        kept[pool] = tuple(
            replace(
                number,
                gateways=tuple(
                    name for name in number.gateways if number.id not in unlisted.get(name, ())
                ),
            )
            for number in numbers
        )
    return kept


def _contract(
    name: GatewayName, given: GatewayModel, secrets: Credentials
) -> frozenset[str] | None:
    if given.contract is None:
        return None
    path, loc = secrets.folder / given.contract, ("gateways", name, "contract")
    try:
        return frozenset(_listed(path, secrets.tree, loc, secrets))
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        secrets.problems.append(
            problem_at(secrets.tree, loc, f"cannot be read: {why}", f"looked for {shown(path)}")
        )
        return frozenset()


def _listed(
    path: Path, tree: Tree, loc: tuple[str, ...], secrets: Credentials
) -> Iterator[str]:
    """One number or range a line; # begins a remark."""
    left = MOST_LISTED
    for place, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        text = re.sub(r"[\s()-]", "", line.partition("#")[0])
        if not text:
            continue
        match = _LISTED.fullmatch(text)
        first = int(match[1]) if match else 0
        last = int(match[2] or match[1]) if match else -1
        left -= last - first + 1
        if match is None or last < first or left < 0:
            what = f"line {place} is no number or range, like +74950000101..+74950000199"
            secrets.problems.append(problem_at(tree, loc, what, f"in {shown(path)}"))
            return
        yield from (f"+{value}" for value in range(first, last + 1))
