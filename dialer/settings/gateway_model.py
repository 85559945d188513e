"""What config/dialer.yaml may say of a gateway (R3.11): how the carrier wants its calls.

The daemon itself needs the limits and the forms; the rest (proxy, registration, address behind
NAT, ...) is written into FreeSWITCH's files by `dialer gateways`, so that both sides agree.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import Field, PlainValidator, field_validator

from dialer.core.numbers.forms import FORMS
from dialer.settings.scalars import (
    Name,
    Text,
    Truth,
    decimal_between,
    duration_between,
    matching,
    schema,
    whole_between,
    word_of,
    written,
    wrong,
)
from dialer.settings.validate import Model

CALLED_FORMS = tuple(FORMS)
CALLER_PLACES = ("from", "pai", "rpid", "from_and_pai", "from_and_rpid")
TRANSPORTS = ("udp", "tcp", "tls")
DTMF = ("rfc2833", "info")
ENCRYPTION = ("none", "optional", "mandatory")
LONGEST_LABEL = 32  # R1.10: Russia's call label since 1 Sep 2025
_CODEC = re.compile(r"[A-Za-z0-9]{2,12}(?:@[0-9]{1,6}[hi])?", re.ASCII)
_PREFIX = re.compile(r"[0-9*]{1,12}", re.ASCII)
_HOST_PORT = re.compile(r"[A-Za-z0-9.-]{1,253}(?::[0-9]{1,5})?", re.ASCII)
_ADDRESS = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}|auto-nat|[0-9A-Fa-f:]{3,39}", re.ASCII)
_NETWORK = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}/[0-9]{1,2}|[0-9A-Fa-f:]{2,39}/[0-9]{1,3}")
_USER = re.compile(r"[A-Za-z0-9_.+@-]{1,64}", re.ASCII)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}", re.ASCII)

Rate = Annotated[float, *decimal_between(0.01, 10_000)]
Calls = Annotated[int, *whole_between(1, 100_000)]
Form = Annotated[str, *word_of(CALLED_FORMS)]
Prefix = Annotated[
    str,
    matching(_PREFIX, "is not a prefix", 'at most 12 digits and stars, in quotes, like "9"'),
    schema(type="string", title="prefix"),
]
HostPort = Annotated[
    str,
    matching(_HOST_PORT, "is not the carrier's address", "like sip.carrier.example:5060"),
    schema(type="string", title="host:port"),
]
User = Annotated[
    str,
    matching(_USER, "is not a user name", "letters, digits and _ . + @ -, in quotes"),
    schema(type="string", title="user name"),
]


def read_ports(value: Any) -> dict[str, str]:
    """`{"+79000000101": "01"}`: the prefix that takes a number's own SIM."""
    if not isinstance(value, dict):
        raise wrong("is not a list of SIM ports", 'like {"+79000000101": "01"}')
    for number, port in value.items():
        if not re.fullmatch(r"\+[1-9][0-9]{9,14}", str(number)):
            raise wrong(f"names {number!s:.40}, which is no number of ours", "+ and its digits")
        if not isinstance(port, str) or not _PREFIX.fullmatch(port):
            raise wrong("holds a port that is no prefix", 'digits in quotes, like "01"')
    return dict(value)


class PriceModel(Model):
    """What the carrier charges: for budgets of campaigns and the costs in reports."""

    per_attempt: Annotated[float, *decimal_between(0, 100_000)] = Field(
        default=0.0, description="of each call that reached it, answered or not"
    )
    per_minute: Annotated[float, *decimal_between(0, 100_000)] = Field(
        default=0.0, description="of an answered call"
    )
    per_call: Annotated[float, *decimal_between(0, 100_000)] = Field(
        default=0.0, description="of each answered call besides"
    )
    step: Annotated[float, *duration_between(1, 60)] = written(
        "1s", "talks are rounded up to it"
    )
    currency: Annotated[
        str,
        matching(re.compile(r"[A-Z]{3}"), "is not a currency", "three letters, like RUB"),
        schema(type="string", title="currency"),
    ] = Field(default="RUB", description="three letters")


class GatewayModel(Model):
    """A way out of the switch."""

    calls_per_s: Rate = Field(description="most new calls a second, as the carrier allows")
    calls_at_once: Calls = Field(description="most calls at once, as the carrier allows")
    called_form: Form = Field(default="+e164", description="how the called number is written")
    called_strip: Annotated[int, *whole_between(0, 10)] = Field(
        default=0, description="so many characters of it are left out at its beginning"
    )
    called_prefix: Prefix | None = Field(
        default=None, description="digits before the called number"
    )
    sim_ports: Annotated[
        dict[str, str],
        PlainValidator(read_ports),
        schema(type="object", title="number: prefix"),
    ] = Field(default={}, description="the prefix that takes a shown number's own SIM")
    caller_form: Form = Field(default="e164", description="how the shown number is written")
    caller_in: Annotated[str, *word_of(CALLER_PLACES)] = Field(
        default="from", description="where the carrier reads the shown number"
    )
    codecs: list[
        Annotated[
            str,
            matching(_CODEC, "is not a codec", "like PCMA"),
            schema(type="string", title="codec"),
        ]
    ] = Field(default=["PCMA"], min_length=1, description="offered to the carrier, best first")
    dtmf: Annotated[str, *word_of(DTMF)] = Field(
        default="rfc2833", description="how keys are sent"
    )
    media_encryption: Annotated[str, *word_of(ENCRYPTION)] = Field(
        default="none", description="SRTP"
    )
    profile: Name = Field(default="external", description="FreeSWITCH's SIP profile")
    proxy: HostPort | None = Field(
        default=None,
        description="the carrier's address; without it you write its file yourself",
    )
    transport: Annotated[str, *word_of(TRANSPORTS)] = Field(
        default="udp", description="how SIP travels"
    )
    register_: Truth = Field(
        default=False,
        alias="register",
        description="true: log in there; false: it knows our address",
    )
    username: User | None = Field(default=None, description="where it asks who we are")
    password_env: (
        Annotated[
            str,
            matching(
                _VARIABLE, "is not an environment variable's name", "like CARRIER_PASSWORD"
            ),
            schema(type="string", title="environment variable"),
        ]
        | None
    ) = Field(default=None, description="the variable that holds its password")
    password_file: Text | None = Field(
        default=None, description="the file that holds its password and nothing else"
    )
    realm: HostPort | None = Field(default=None, description="where it differs from the proxy")
    from_domain: HostPort | None = Field(
        default=None, description="the domain of From, where it is not the proxy"
    )
    expires: Annotated[float, *duration_between(30, 86_400)] = written(
        "10m", "a registration lasts so long"
    )
    ping: Annotated[float, *duration_between(5, 3_600)] = written(
        "15s", "it is asked so often whether it lives"
    )
    nat_address: (
        Annotated[
            str,
            matching(_ADDRESS, "is not an address", "like 203.0.113.5, or auto-nat"),
            schema(type="string", title="IP address"),
        ]
        | None
    ) = Field(default=None, description="ours as the carrier sees it, where we are behind NAT")
    networks: list[
        Annotated[
            str,
            matching(_NETWORK, "is not a network", "like 203.0.113.0/24"),
            schema(type="string", title="network"),
        ]
    ] = Field(default=[], description="from here it may call in (people who call back)")
    contract: Text | None = Field(
        default=None, description="the file with the numbers of our contract there, one a line"
    )
    call_label: Text | None = Field(
        default=None, description="the name shown with our calls, as given to the carrier"
    )
    price: PriceModel | None = Field(
        default=None, description="what it charges: for budgets and reports"
    )

    @field_validator("call_label")
    @classmethod
    def _short_label(cls, label: str | None) -> str | None:
        if label is not None and len(label) > LONGEST_LABEL:
            raise wrong(f"has {len(label)} characters", f"at most {LONGEST_LABEL}")
        return label
