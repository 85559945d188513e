"""The daemon on a real FreeSWITCH: its books are the switch's own, whatever happens.

Every test ends with the comparison of the ledger with the witness (`books.compare`) and with
the switch asked for channels that are left.
"""

from __future__ import annotations

import gevent
import pytest
import structlog

from tests.switch.books import compare, dispositions, longest_stay_s
from tests.switch.callees import VANISHING, number, of_all_kinds
from tests.switch.driven import Driven
from tests.switch.instances import HOST, Instances
from tests.switch.proxy import Proxy
from tests.switch.runs import CONTACTS, CUT_S, FULL, RATE, VANISH, Drive, finish
from tests.switch.witness import Witness

log = structlog.get_logger(__name__)

pytestmark = pytest.mark.timeout(120 + 0.4 * (CONTACTS + VANISH))


def test_every_kind_of_ending_is_told_as_the_switch_tells_it(
    drive: Drive, witness: Witness
) -> None:
    """A wrong ending dials people again who said no, or never again who were only busy."""
    driven = drive(of_all_kinds(CONTACTS), calls_per_s=RATE)
    driven.wait_for(
        "all called", lambda: driven.settled(CONTACTS), 60.0 + 2.0 * CONTACTS / RATE
    )
    wrong = compare(driven, witness)
    assert not wrong, "\n".join(wrong[:20])
    ended = dispositions(driven)
    assert sum(ended.values()) == CONTACTS
    assert ended["talked"] >= CONTACTS // 10
    log.info("endings", contacts=CONTACTS, **ended)
    driven.wait_for("everybody ready", lambda: set(driven.states()) == {"ready"}, 10.0)
    assert len(witness.in_park(witness.operators())) == 30  # and so says the switch
    finish(driven, witness)


def test_customers_who_hang_up_at_once_take_no_operator_away(
    drive: Drive, witness: Witness
) -> None:
    """The hand-over race (proofs 4): a leg in limbo swallows the next customers unseen.

    About one leg in 2,000 such calls is lost by the switch itself (DESTINATION_OUT_OF_ORDER
    right after its park): it must be back at once.
    """
    numbers = [
        number(VANISHING[place % len(VANISHING)], place // len(VANISHING) % 1000)
        for place in range(VANISH)
    ]
    driven = drive(numbers, operators=8, calls_per_s=RATE, ratio=4.0)
    driven.wait_for("all called", lambda: driven.settled(VANISH), 30.0 + 3.0 * VANISH / RATE)
    wrong = compare(driven, witness)
    assert not wrong, "\n".join(wrong[:20])
    driven.wait_for("everybody ready", lambda: set(driven.states()) == {"ready"}, 10.0)
    longest_s = longest_stay_s(driven, "offered")
    refused = len(driven.logged("hand-over refused"))
    legs = witness.operators()
    lost = [leg.cause for leg in legs if leg.cause]
    gone_s = longest_stay_s(driven, "redialed")
    log.info(
        "vanished",
        longest_offered_s=longest_s,
        refused=refused,
        legs_lost=lost,
        longest_gone_s=gone_s,
        **dispositions(driven),
    )
    assert longest_s < 1.0
    assert gone_s < 1.0
    assert len(lost) <= 1 + VANISH // 500
    assert len(witness.in_park(legs)) == 8
    assert not [line for line in driven.logged("operator moved") if line["after"] == "paused"]
    finish(driven, witness)


def test_talks_survive_a_killed_daemon_and_their_results_land(
    drive: Drive, witness: Witness
) -> None:
    """kill -9 with people in talks: nobody is cut off, the successor writes how it ended.

    Desks that saw the daemon vanish have asked to log in again before it is back.
    """
    talks = 8
    kind = "longest_talk" if FULL else "long_talk"  # a busy machine starts a daemon in 16 s
    driven = drive([number(kind, n) for n in range(talks)], operators=talks, ratio=1.0)
    driven.wait_for("all in talks", lambda: len(witness.talking()) == talks)
    driven.kill()
    gevent.sleep(2.0)
    assert len(witness.talking()) == talks
    driven.ask("operator.login")
    driven.start()
    driven.wait_for("the successor at work", driven.running)
    driven.wait_for("its operators in talks", lambda: driven.states()["talking"] == talks, 5.0)
    assert len(witness.talking()) == talks
    driven.wait_for("results", lambda: driven.settled(talks), 60.0)
    wrong = compare(driven, witness)
    assert not wrong, "\n".join(wrong[:20])
    assert dispositions(driven) == {"talked": talks}
    # Their wrap-up is their group's second, not what an adopted operator had by default.
    driven.wait_for("everybody ready", lambda: set(driven.states()) == {"ready"}, 6.0)
    assert all(len(one.bridges) == 1 for one in witness.customers())
    finish(driven, witness)


def test_a_cut_event_socket_loses_no_attempt_and_doubles_none(
    drive: Drive, witness: Witness, instances: Instances
) -> None:
    """The network breaks during 50 calls: the phones go on, so do the books.

    Whoever hung up unheard is settled as lost, and nobody else; talks that outlast it go on.
    """
    kinds = ("longest_talk", "busy") if FULL else ("longer_talk", "busy")
    numbers = [
        number(kind, serial, tenths=10 + 2 * serial) for serial in range(25) for kind in kinds
    ]
    proxy = Proxy(HOST, instances.switch.port)
    try:
        driven = drive(numbers, port=proxy.port, calls_per_s=RATE)
        driven.wait_for("twenty calls", lambda: len(witness.customers()) >= 20)
        cut_at = max(one.created_at for one in witness.customers())
        proxy.cut()
        gevent.sleep(CUT_S)
        proxy.mend()
        driven.wait_for("all called", lambda: driven.settled(len(numbers)), 180.0)
        check_after_cut(driven, witness, len(numbers), cut_at)
        finish(driven, witness)
    finally:
        proxy.close()


def check_after_cut(driven: Driven, witness: Witness, contacts: int, cut_at: float) -> None:
    # Settled by the sweep; or heard to hang up just after the mending, but never to answer.
    unheard = {
        row["id"]
        for row in driven.attempts()
        if row["cause"] == "LOST" or row["disposition"] == "lost"
    }
    ended = {one.uuid: one.ended_at for one in witness.customers()}
    assert all(cut_at <= (ended[one] or 0.0) <= cut_at + CUT_S + 2.0 for one in unheard)
    wrong = [one for one in compare(driven, witness) if not any(u in one for u in unheard)]
    assert not wrong, "\n".join(wrong[:20])
    called = [row["contact_id"] for row in driven.attempts() if row["evidence"].get("channel")]
    assert len(called) == len(set(called)) == contacts
    log.info("cut", seconds=CUT_S, unheard=len(unheard), **dispositions(driven))
