"""Decisions of pacing by the day: written by the daemon, decided again by `dialer replay`.

`codec` (a decision <-> one JSON line) -> `files` (the day's compressed file, bounded, with
retention: the port `Diary`) -> `replay` (the same core over a day, or another pacing).
"""
