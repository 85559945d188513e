"""FreeSWITCH's own files, written from dialer.yaml: one source for both sides.

Each carrier is a gateway of its SIP profile and a line of the list of who may call in; each
pool's numbers lead people who call back to the plan in config/freeswitch/dialplan/callback.xml.
Every value is written as XML text: a password with <, & or $ means itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from xml.sax.saxutils import escape

from dialer.settings.daemon import Settings
from dialer.settings.trunks import Trunk

#: The first line of every file that is ours to overwrite or remove.
MARK = "<!-- Written from dialer.yaml by `dialer gateways write`: changes here are lost. -->"
#: Numbers in one condition of a plan: regular expressions have a longest length.
AT_ONCE = 200
RETRY_S = 30


def files_of(settings: Settings) -> Mapping[str, str]:
    """Path below FreeSWITCH's configuration -> text. A carrier without `proxy` has no files."""
    files: dict[str, str] = {}
    for name, trunk in settings.trunks.items():
        if trunk.proxy is not None:
            files[f"sip_profiles/{trunk.profile}/{name}.xml"] = _file(_gateway(trunk))
        if trunk.networks:
            files[f"autoload_configs/carriers/{name}.xml"] = _file(_networks(trunk))
    for pool, numbers in settings.pools.items():
        extension = settings.callbacks.get(pool)
        digits = [number.id for number in numbers]
        files[f"dialplan/public/pool_{pool}.xml"] = _file(_plan(pool, digits, extension))
    shown = {number.id for number in settings.numbers}
    if others := sorted(settings.own_numbers - shown):
        files["dialplan/public/inbound_numbers.xml"] = _file(_plan("inbound", others, None))
    return files


def _file(lines: Iterable[str]) -> str:
    return "\n".join([MARK, "<include>", *lines, "</include>", ""])


def _gateway(trunk: Trunk) -> Iterator[str]:
    if trunk.nat_address is not None:
        name = _value(f"{trunk.profile}_nat_address={trunk.nat_address}")
        yield f'  <X-PRE-PROCESS cmd="set" data="{name}"/>'
    yield f'  <gateway name="{_value(trunk.name)}">'
    for key, value in _params(trunk):
        yield f'    <param name="{key}" value="{_value(str(value))}"/>'
    yield "  </gateway>"


def _params(trunk: Trunk) -> Iterator[tuple[str, object]]:
    yield "proxy", trunk.proxy
    yield "register", str(trunk.register).lower()
    if trunk.username is not None:
        yield "username", trunk.username
        yield "password", trunk.password
    if trunk.realm is not None:
        yield "realm", trunk.realm
    if trunk.from_domain is not None:
        yield "from-domain", trunk.from_domain
    yield "register-transport", trunk.transport
    yield "caller-id-in-from", str(trunk.caller_in_from).lower()
    yield "expire-seconds", trunk.expires_s
    yield "retry-seconds", RETRY_S
    # Without the last two a gateway that is gone stays UP for ever (proofs 5).
    yield "ping", trunk.ping_s
    yield "ping-min", 1
    yield "ping-max", 1


def _networks(trunk: Trunk) -> Iterator[str]:
    for network in trunk.networks:
        yield f'  <node type="allow" cidr="{_value(network)}"/>'


def _plan(name: str, numbers: Iterable[str], extension: str | None) -> Iterator[str]:
    rest = iter(numbers)
    while part := list(islice(rest, AT_ONCE)):
        yield f'  <extension name="{_value(name)}">'
        expression = "|".join(map(_called_back, part))
        yield f'    <condition field="destination_number" expression="^(?:{expression})$">'
        yield '      <action application="set" data="dialer_called=${destination_number}"/>'
        if extension is not None:
            data = _value(f"dialer_extension={extension}")
            yield f'      <action application="set" data="{data}"/>'
        yield '      <action application="transfer" data="callback XML callback"/>'
        yield "    </condition>"
        yield "  </extension>"


def _called_back(e164: str) -> str:
    """However a carrier writes our number when it is called."""
    if re.fullmatch(r"\+7[0-9]{10}", e164):
        return rf"(?:(?:\+|00)?7|8)?{e164[2:]}"
    return rf"(?:\+|00)?{e164[1:]}"


def _value(text: str) -> str:
    """As an attribute's text. FreeSWITCH would expand $${…} before it reads: no $ is left."""
    return escape(text, {'"': "&quot;", "'": "&#39;", "$": "&#36;"})
