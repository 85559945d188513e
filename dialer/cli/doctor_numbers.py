"""`dialer doctor`: our numbers against the carriers' contracts, both ways (R1.10)."""

from __future__ import annotations

from collections.abc import Iterator

from dialer.cli.findings import Finding, failure, fine, warning
from dialer.core.model import GatewayName
from dialer.settings.daemon import Settings

SHOWN = 5


def of_contracts(settings: Settings) -> Iterator[Finding]:
    for name, trunk in settings.trunks.items():
        subject = f"contract {name}"
        if trunk.contract is None:
            yield warning(
                subject,
                "which numbers are ours there is not said",
                f"gateways: {name}: contract: FILE, one number a line, from the contract",
            )
            continue
        if trunk.unlisted:
            yield failure(
                subject,
                f"{len(trunk.unlisted)} numbers of the pools are not in it:"
                f" {_some(trunk.unlisted)}",
                "never shown there until they are; or take the gateway from their pool",
            )
        unused = sorted(trunk.contract - _given_to(name, settings))
        if unused:
            yield warning(
                subject,
                f"{len(unused)} of its numbers are in no pool with this gateway:"
                f" {_some(unused)}",
                "we pay for them: put them into a pool, or into inbound_numbers",
            )
        if not trunk.unlisted and not unused:
            yield fine(subject, f"its {len(trunk.contract)} numbers are those of the pools")
    for number in settings.numbers:
        if not number.gateways:
            yield failure(
                "numbers", f"{number.id} may be shown by no gateway", "no contract lists it"
            )


def of_callbacks(settings: Settings) -> Iterator[Finding]:
    """A number that is shown must be able to take the calls of those who call back."""
    for pool in settings.pools:
        if pool not in settings.callbacks:
            yield warning(
                f"pool {pool}",
                "people who call back hear who we are, and then nobody",
                f"pools: {pool}: callback_extension: 101, then dialer gateways write",
            )


def _given_to(gateway: GatewayName, settings: Settings) -> frozenset[str]:
    shown = {one.id for one in settings.numbers if gateway in one.gateways}
    inbound = settings.own_numbers - {one.id for one in settings.numbers}
    return frozenset(shown) | inbound


def _some(numbers: tuple[str, ...] | list[str]) -> str:
    more = f" and {len(numbers) - SHOWN} more" if len(numbers) > SHOWN else ""
    return ", ".join(numbers[:SHOWN]) + more
