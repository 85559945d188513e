"""A backup is restored: what people said after it holds again before anybody is dialed.

Losing this, who wished not to be called is called, and who was erased is back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from dialer.core.model import Moment, PhoneId
from dialer.core.permission.reasons import Reason
from dialer.engine.gate import Gate
from dialer.engine.word_keeper import WordKeeper
from dialer.errors import StoreError
from dialer.journal.files import JournalFiles
from dialer.ledger.store import PostgresLedger
from dialer.metrics.meter import MemoryMeter
from dialer.ports import Wish
from tests.contract.ledger.world import NOW, World, campaign, phone, row

LATER = NOW + timedelta(hours=1)
SPRING = campaign()


class Keeper:
    """A daemon's word keeper on one base; `gate` and `meter` are its own."""

    def __init__(self, world: World, folder: Path) -> None:
        self.gate, self.meter = Gate(), MemoryMeter()
        self.keeper = WordKeeper(
            JournalFiles(folder), world.ledger, self.gate, _Clock(), self.meter
        )

    def replayed(self, kind: str) -> float:
        return self.meter.value("dialer_words_replayed_total", kind=kind)


class _Clock:
    def now(self) -> Moment:
        return Moment(1.0, LATER)


AT = Moment(1.0, LATER)


@contextmanager
def opened(dsn: str) -> Iterator[World]:
    ledger = PostgresLedger(dsn)
    ledger.open()
    try:
        yield World(ledger, dsn)
    finally:
        ledger.close()


def people(world: World) -> dict[int, PhoneId]:
    world.rows([row(n, name=f"Person {n}") for n in range(1, 7)])
    world.save(SPRING)
    found = {n: world.ledger.find_phone(phone(n).digits) for n in range(1, 7)}
    return {n: known for n, known in found.items() if known is not None}


def test_what_was_said_after_the_backup_holds_again(
    dsn: str, new_database: Callable[..., str], tmp_path: Path
) -> None:
    with opened(dsn) as world:
        known = people(world)
        world.ledger.add_stop(known[6], origin="before the backup", now=NOW)
        Keeper(world, tmp_path).keeper.start(AT)  # the journal begins
    restored = new_database(dsn.rsplit("/", 1)[1])
    with opened(dsn) as world:
        living = Keeper(world, tmp_path)
        living.keeper.start(AT)
        world.ledger.add_stop(known[1], origin="her letter", now=LATER)
        world.ledger.withdraw_consents(known[2], purpose="sales", now=LATER)
        world.ledger.add_stop(known[3], origin="erasure", now=LATER)
        world.ledger.erase_person(known[3], by="test", now=LATER)
        stranger = world.ledger.find_or_add_phone(phone(99).digits)
        wish = Wish(category="not_now", expires_at=LATER + timedelta(days=90))
        world.ledger.add_stop(stranger, origin="never heard of", now=LATER, wish=wish)
        world.ledger.add_stop(known[4], origin="a mistake", now=LATER)
        world.ledger.remove_stops(known[4], by="test", now=LATER)
        living.keeper.look(AT)
        assert living.replayed("stops") == 0
    with opened(restored) as world:
        assert len(world.entries(SPRING)) == 5, "the backup has forgotten it all"
        keeper = Keeper(world, tmp_path)
        keeper.keeper.start(AT)
        assert [keeper.replayed(k) for k in ("stops", "withdrawals", "erasures")] == [3, 1, 1]
        assert keeper.gate.is_open
        left = world.entries(SPRING)
        assert [one.phone_id for one in left] == [known[4], known[5]]
        assert "Person 3" not in str(world.ask("SELECT name FROM contact_identity"))
        assert world.one("SELECT digits FROM phones WHERE id = %s", known[3]) == ""
        world.rows([row(99, phones=(phone(99),))])
        world.save(SPRING)
        assert world.held(SPRING)[7] == "stop", "a stop on a number the backup never had"
        again = Keeper(world, tmp_path)
        again.keeper.start(AT)
        assert again.replayed("stops") == 0, "once said again it is known"


def test_the_same_backup_restored_a_second_time_is_made_whole_again(
    dsn: str, new_database: Callable[..., str], tmp_path: Path
) -> None:
    """And what was said between the two restores is not lost either."""
    with opened(dsn) as world:
        known = people(world)
        Keeper(world, tmp_path).keeper.start(AT)
    first, second = (new_database(dsn.rsplit("/", 1)[1]) for _ in range(2))
    with opened(dsn) as world:
        living = Keeper(world, tmp_path)
        living.keeper.start(AT)
        world.ledger.add_stop(known[1], origin="a letter", now=LATER)
        living.keeper.look(AT)
    with opened(first) as world:
        between = Keeper(world, tmp_path)
        between.keeper.start(AT)
        world.ledger.add_stop(known[2], origin="another letter", now=LATER)
        between.keeper.look(AT)
    with opened(second) as world:
        keeper = Keeper(world, tmp_path)
        keeper.keeper.start(AT)
        assert {known[1], known[2]}.isdisjoint(one.phone_id for one in world.entries(SPRING))


def test_a_base_restored_under_a_running_daemon_is_seen(
    dsn: str, new_database: Callable[..., str], tmp_path: Path
) -> None:
    with opened(dsn) as world:
        known = people(world)
        running = Keeper(world, tmp_path)
        running.keeper.start(AT)
    restored = new_database(dsn.rsplit("/", 1)[1])
    with opened(dsn) as world:
        running.keeper._ledger = world.ledger
        world.ledger.add_stop(known[1], origin="a letter", now=LATER)
        running.keeper.look(AT)
    with opened(restored) as world:
        running.keeper._ledger = world.ledger
        running.keeper.look(AT)
        assert running.replayed("stops") == 1
        assert running.gate.is_open
        assert world.held(SPRING) == {1: "stop"}


def test_until_it_is_said_again_nothing_is_dialed(
    dsn: str, new_database: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(dsn) as world:
        known = people(world)
        Keeper(world, tmp_path).keeper.start(AT)
    restored = new_database(dsn.rsplit("/", 1)[1])
    with opened(dsn) as world:
        living = Keeper(world, tmp_path)
        living.keeper.start(AT)
        world.ledger.add_stop(known[1], origin="a letter", now=LATER)
        living.keeper.look(AT)
    with opened(restored) as world, monkeypatch.context() as broken:
        keeper = Keeper(world, tmp_path)

        def away(*_: object) -> None:
            raise StoreError("postgresql", "is away")

        broken.setattr(world.ledger, "replay_words", away)
        with pytest.raises(StoreError):
            keeper.keeper.start(AT)
        assert Reason.BASE_RESTORED in keeper.gate.reasons


def test_an_erasure_waits_for_the_end_of_a_call_and_his_stop_does_not(
    dsn: str, new_database: Callable[..., str], tmp_path: Path
) -> None:
    """The backup was taken while he was being called: its open attempt is settled first."""
    with opened(dsn) as world:
        people(world)
        (entry, *_) = world.entries(SPRING)
        (answer,) = world.commit(SPRING, [entry])
        Keeper(world, tmp_path).keeper.start(AT)
    restored = new_database(dsn.rsplit("/", 1)[1])
    with opened(dsn) as world:
        living = Keeper(world, tmp_path)
        living.keeper.start(AT)
        world.end(answer)
        world.ledger.add_stop(entry.phone_id, origin="erasure", now=LATER)
        world.ledger.erase_person(entry.phone_id, by="test", now=LATER)
        living.keeper.look(AT)
    with opened(restored) as world:
        keeper = Keeper(world, tmp_path)
        keeper.keeper.start(AT)
        assert keeper.replayed("erasures") == 0
        assert world.ledger.stops_of(entry.phone_id)
        world.end(answer)
        keeper.keeper.look(AT)
        assert world.one("SELECT digits FROM phones WHERE id = %s", entry.phone_id) == ""


def test_a_number_known_by_its_digest_only_gets_its_digits_with_the_next_list(
    world: World, tmp_path: Path
) -> None:
    """Else it would be dialed as nothing, once its stop has been taken back."""
    known = world.ledger.find_or_add_phone(phone(1).digits)
    other = world.ledger.find_or_add_phone(phone(2).digits)
    world.ask("UPDATE phones SET digits = ''")
    world.people(1)
    assert world.ledger.find_or_add_phone(phone(2).digits) == other
    found = world.ledger.digits_of([known, other])
    assert found == {known: phone(1).digits, other: phone(2).digits}


def test_no_number_stands_in_the_journal(world: World, tmp_path: Path) -> None:
    known = people(world)
    keeper = Keeper(world, tmp_path)
    keeper.keeper.start(AT)
    world.ledger.add_stop(known[1], origin=f"{phone(1).digits} himself", now=LATER)
    keeper.keeper.look(AT)
    (file,) = (path for path in tmp_path.rglob("*.jsonl"))
    assert phone(1).digits[1:] not in file.read_text()
    assert '"kind":"stop"' in file.read_text()


def test_a_journal_that_cannot_be_written_is_told_and_dialing_goes_on(
    world: World, tmp_path: Path
) -> None:
    known = people(world)
    keeper = Keeper(world, tmp_path)
    keeper.keeper.start(AT)
    (folder,) = tmp_path.iterdir()
    folder.rename(tmp_path / "away")
    world.ledger.add_stop(known[1], origin="a letter", now=LATER)
    with pytest.raises(StoreError) as refused:
        keeper.keeper.look(AT)
    keeper.keeper._fail(refused.value)
    (trouble,) = keeper.keeper.troubles()
    assert "No such file" in trouble.sentence
    assert keeper.gate.is_open
    (tmp_path / "away").rename(folder)
    keeper.keeper.look(AT)
    assert keeper.keeper.troubles() == ()
    assert '"kind":"stop"' in "".join(path.read_text() for path in folder.iterdir())
