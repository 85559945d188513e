"""If these fail, a carrier gets numbers in a form it refuses, or a number is shown that our
contract does not hold (R1.10)."""

import pytest

from dialer.core.model import GatewayName
from tests.rooms.settings.written import DAEMON, read, told

A, B = GatewayName("carrier_a"), GatewayName("carrier_b")
GATEWAY = "  carrier_a: {calls_per_s: 5, calls_at_once: 20}\n"


def gateway(**keys):
    """The daemon's file with more said of its first gateway."""
    more = "".join(f"    {key}: {value}\n" for key, value in keys.items())
    head = "  carrier_a:\n    calls_per_s: 5\n    calls_at_once: 20\n"
    return DAEMON.replace(GATEWAY, head + more)


def test_everything_that_a_carrier_may_want(tmp_path):
    (tmp_path / "secret").write_text("a b'<&\">\n", encoding="utf-8")
    settings = read(
        tmp_path,
        gateway(
            called_form="national8",
            called_strip=1,
            called_prefix='"9*"',
            sim_ports='{"+74950000101": "01"}',
            caller_form="00e164",
            caller_in="from_and_pai",
            codecs="[PCMA, PCMU]",
            dtmf="info",
            media_encryption="mandatory",
            proxy="sip.carrier.example:5061",
            transport="tls",
            register="true",
            username="u100",
            password_file="secret",
            nat_address="203.0.113.5",
            networks="[198.51.100.0/24]",
            price="{per_minute: 1.9, step: 60s}",
            call_label="Пример",
        ),
    ).settings
    a = settings.gateways[A]
    assert (a.called_form, a.called_strip, a.called_prefix) == ("national8", 1, "9*")
    assert (a.sim_ports, a.caller_form, a.caller_in) == (
        {"+74950000101": "01"},
        "00e164",
        "from_and_pai",
    )
    assert (a.codecs, a.dtmf, a.media_encryption) == (("PCMA", "PCMU"), "info", "mandatory")
    trunk = settings.trunks[A]
    assert (trunk.register, trunk.username, trunk.password) == (True, "u100", "a b'<&\">")
    assert trunk.caller_in_from
    assert trunk.price is not None
    assert trunk.price.per_minute == 1.9
    assert "<&" not in repr(trunk)


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"called_form": "78"}, "called_form"),
        ({"called_prefix": '"#1"'}, "is not a prefix"),
        ({"caller_in": "privacy"}, "caller_in"),
        ({"codecs": '["PCMA,x"]'}, "is not a codec"),
        ({"register": "true"}, "register without a username"),
        ({"call_label": '"' + "x" * 33 + '"'}, "at most 32"),
        ({"sim_ports": "{12: 1}"}, "no number of ours"),
        ({"proxy": '"a;b"'}, "is not the carrier's address"),
        ({"contract": "nowhere.txt"}, "cannot be read"),
    ],
)
def test_a_mistake_is_told_at_its_place(tmp_path, keys, sentence):
    problems = told(tmp_path, gateway(**keys))
    assert len(problems) == 1
    assert sentence in problems[0]
    assert "gateways" in problems[0]


def test_a_number_outside_the_contract_loses_that_gateway(tmp_path):
    """It stays with a carrier whose contract holds it; nothing else of it changes."""
    (tmp_path / "a.txt").write_text("+7 495 000-01-05..+74950000109  # Moscow\n\n# none\n")
    daemon = gateway(contract="a.txt").replace(
        '    gateways: [carrier_a]\n    numbers: ["+74950000101"]\n',
        '    gateways: [carrier_a, carrier_b]\n    numbers: ["+74950000104..+74950000105"]\n',
    )
    settings = read(tmp_path, daemon).settings
    assert [(n.id, n.gateways) for n in settings.numbers] == [
        ("+74950000104", ("carrier_b",)),
        ("+74950000105", ("carrier_a", "carrier_b")),
    ]
    trunk = settings.trunks[A]
    assert trunk.unlisted == ("+74950000104",)
    assert trunk.contract is not None
    assert len(trunk.contract) == 5
    assert settings.trunks[B].contract is None


@pytest.mark.parametrize("text", ["8495", "+74950000109..+74950000101", "+1..+99999999999999"])
def test_a_contract_that_cannot_be_read_is_no_contract(tmp_path, text):
    (tmp_path / "a.txt").write_text(f"+74950000101\n{text}\n")
    (problem,) = told(tmp_path, gateway(contract="a.txt"))
    assert "line 2" in problem
