"""The journal on the disk: what it has taken is there after a kill, and nothing else is."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from dialer.errors import StoreError
from dialer.journal.files import TAIL_BYTES, JournalFiles
from dialer.ports import Mark, Word

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
NEXT_MONTH = datetime(2026, 12, 1, tzinfo=UTC)
STOP = Word("stop", "ab" * 16, NOW, scope="purpose", scope_value="sales", expires_at=NEXT_MONTH)
GONE = Word("withdrawn", "cd" * 16, NOW, purpose="sales")


def opened(folder: Path) -> JournalFiles:
    journal = JournalFiles(folder)
    journal.open("base-1")
    return journal


def mark(n: int) -> Mark:
    return Mark(n, f"proof {n}", n, f"hash {n}")


def test_what_was_appended_is_read_again_over_months(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    assert (journal.last(), list(journal.marks())) == (None, [])
    journal.append([STOP], mark(1), NOW)
    journal.append([GONE], mark(2), NEXT_MONTH)
    again = opened(tmp_path)
    assert again.last() == mark(2)
    assert list(again.marks()) == [mark(1), mark(2)]
    assert [list(again.words_after(n)) for n in (-1, 0, 1)] == [[STOP, GONE], [GONE], []]


def test_another_base_has_another_journal(tmp_path: Path) -> None:
    opened(tmp_path).append([STOP], mark(1), NOW)
    other = JournalFiles(tmp_path)
    other.open("base-2")
    assert other.last() is None


@pytest.mark.parametrize("cut", [1, 5, 40])
def test_a_line_torn_by_a_kill_is_cut_off_and_the_rest_stands(tmp_path: Path, cut: int) -> None:
    journal = opened(tmp_path)
    journal.append([STOP], mark(1), NOW)
    journal.append([GONE], mark(2), NOW)
    (file,) = (tmp_path / "base-1").iterdir()
    file.write_bytes(file.read_bytes()[:-cut])
    again = opened(tmp_path)
    assert again.last() == mark(1)
    again.append([GONE], mark(2), NOW)
    assert list(again.marks()) == [mark(1), mark(2)]


def test_the_last_mark_is_found_behind_a_great_many_words(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    journal.append([], mark(1), NOW)
    (file,) = (tmp_path / "base-1").iterdir()
    with file.open("ab") as more:
        line = b'{"word":{"kind":"stop","phone":"ab","at":"2026-11-24T09:00:00+00:00"}}\n'
        more.write(line * (2 * TAIL_BYTES // len(line)))
    assert opened(tmp_path).last() == mark(1)


@pytest.mark.parametrize("text", [b"not json\n", b"[1]\n", b'{"word":{"kind":1,"x":2}}\n'])
def test_what_it_never_wrote_is_refused_and_not_passed_over(
    tmp_path: Path, text: bytes
) -> None:
    """A stop that cannot be read is a person who would be called."""
    opened(tmp_path).append([STOP], mark(1), NOW)
    (file,) = (tmp_path / "base-1").iterdir()
    file.write_bytes(text + file.read_bytes())
    with pytest.raises(StoreError, match="journal"):
        list(opened(tmp_path).words_after(-1))


def test_a_full_disk_is_said(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    (tmp_path / "base-1").rmdir()
    with pytest.raises(StoreError, match="No such file"):
        journal.append([STOP], mark(1), NOW)


def test_files_older_than_any_backup_go(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    for year in (2024, 2025, 2026):
        journal.append([], mark(year), datetime(year, 11, 1, tzinfo=UTC))
    journal.append([], mark(1), datetime(2026, 12, 1, tzinfo=UTC))
    kept = sorted(one.name for one in (tmp_path / "base-1").iterdir())
    assert kept == ["2024-11.jsonl", "2025-11.jsonl", "2026-11.jsonl", "2026-12.jsonl"]
    journal.append([], mark(1), datetime(2027, 1, 1, tzinfo=UTC))
    assert not (tmp_path / "base-1" / "2024-11.jsonl").exists()
