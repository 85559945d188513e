"""What a dead daemon held: without this its contacts could never be called again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dialer.core.calls.attempts import AttemptState
from dialer.core.model import AttemptId, Claimed, InstanceName, Intent
from dialer.errors import LinkDown, StoreError
from tests.engine.house import BUSY, SPRING, US, House, entry, number

OTHER = InstanceName("d2")


def look(home: House) -> None:
    home.daemon.leases.look(home.clock.now())
    home.written()


def of_another(home: House, *, committed: bool, n: int = 1) -> AttemptId:
    """Claimed (and committed) by a daemon that is gone now; its lease has run out."""
    key = home.dial_one(n)
    row = home.books.open_rows.pop(key)
    home.calls.attempts.clear()
    lease = home.hopper.store.leases[key]
    home.hopper.store.leases[key] = replace(lease, holder="d2/1")
    home.hopper.store.holders["d2/1"] = home.clock.now().wall.timestamp() + 60.0
    if committed:
        home.books.open_rows[key] = replace(row, instance=OTHER)
    home.clock.move(61.0)
    return key


def test_a_claim_that_was_never_committed_is_free_again(home: House):
    of_another(home, committed=False)
    home.queue(entry(1))
    assert home.hopper.size(SPRING) == 0  # leased: passed over
    look(home)
    home.queue(entry(1))
    assert home.hopper.size(SPRING) == 1
    assert home.meter.value("dialer_leases_expired_total") == 1
    # Whether it reached the carrier is not known: the number's count is never too low by it.
    assert home.hopper.used([(number().id, home.clock.now().wall.date())]) == [1]


def test_an_open_attempt_of_a_dead_daemon_ends_as_lost(home: House):
    key = of_another(home, committed=True)
    look(home)
    assert home.books.results[key].verdict.disposition == "lost"
    assert home.books.results[key].verdict.charged
    assert not home.books.open_rows
    assert not home.hopper.store.leases


def test_while_its_leg_is_on_the_switch_it_is_left_alone(home: House):
    """They may be talking; a second call to the same person would ring into it."""
    key = of_another(home, committed=True)
    home.line.has_customer(key, instance=OTHER)
    look(home)
    assert key in home.books.open_rows
    assert key in home.hopper.store.leases
    home.line.legs.clear()
    look(home)
    assert key in home.books.results


def test_a_daemon_that_shows_itself_resolves_its_own(home: House):
    """Only its Redis was slow: what it holds is live."""
    key = of_another(home, committed=True)
    home.presence.publish_status(OTHER, {})
    look(home)
    assert key in home.books.open_rows
    assert key in home.hopper.store.leases


def test_what_is_live_here_is_left_alone_even_if_its_lease_ran_out(home: House):
    key = home.dial_one()
    home.clock.move(25.0)
    home.hopper.store.holders = {name: 0.0 for name in home.hopper.store.holders}
    look(home)
    assert home.state(key) is AttemptState.DIALING
    assert key in home.hopper.store.leases


def test_a_row_that_was_committed_after_we_gave_it_up_is_withdrawn(home: House):
    """The ledger's answer came too late: nothing was dialed, the contact is due again."""

    def slow(intents: object) -> None:
        home.pass_time(11.0)  # the claim's own deadline: given back
        home.written()

    home.books.on_commit = slow
    home.books.refuses = {"commit_intents"}
    home.queue(entry(1))
    one = home.calls.campaigns[SPRING]
    claimed, shown, _ = home.daemon.pacing.launcher.claim(one, 1, home.clock.now())
    with pytest.raises(StoreError, match="is away"):
        home.daemon.pacing.launcher.commit(one, claimed, shown, home.clock.now())
    home.written()
    key = claimed[0].attempt_id
    # The server finished the statement of which we had no answer.
    home.books.refuses.clear()
    home.books.on_commit = None
    home.books.commit_intents([intent(home, claimed[0])], home.clock.now().wall)
    assert key in home.books.open_rows
    look(home)
    assert key in home.books.open_rows  # too young: the answer might still be on its way
    home.clock.move(31.0)
    look(home)
    assert not home.books.open_rows
    assert home.books.results == {}


def intent(home: House, claimed: Claimed) -> Intent:
    return Intent(
        claimed=claimed,
        campaign=home.calls.campaigns[SPRING],
        number_hard_limit=80,
        instance=US,
        grounds={},
    )


def test_a_result_on_its_way_is_not_taken_for_an_orphan(home: House):
    key = home.dial_one()
    home.books.refuses = {"end_attempts"}
    home.hang_up(key, BUSY)
    home.clock.move(120.0)
    home.daemon.leases.look(home.clock.now())
    home.settle()
    home.books.refuses.clear()
    assert home.disposition(key) == "busy"
    assert home.books.withdrawn == []


def test_with_the_switch_away_nothing_is_declared_lost(home: House):
    key = of_another(home, committed=True)
    home.line.up = False
    with pytest.raises(LinkDown):
        home.daemon.leases.look(home.clock.now())
    assert key in home.books.open_rows
