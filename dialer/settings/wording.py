"""How a problem is worded: hostile text made harmless, near misses named.

Only words of the configuration are ever quoted (keys, names, choices); values that may belong
to a person are not, see `validate`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

LONGEST_QUOTE = 40
LONGEST_LIST = 14


def quoted(word: str) -> str:
    """`'word'` for a message: at most 40 characters, no control characters, no line breaks."""
    printable = "".join(
        char if char.isprintable() else "?" for char in word[: LONGEST_QUOTE + 1]
    )
    if len(printable) > LONGEST_QUOTE:
        printable = printable[: LONGEST_QUOTE - 1] + "…"
    return f"'{printable}'"


def one_of(words: Iterable[str]) -> str:
    """`one of: a, b, c`, or how many there are where a list would not be read."""
    known = sorted(words)
    if not known:
        return "there is none yet"
    if len(known) > LONGEST_LIST:
        return f"there are {len(known)}, from {known[0]} to {known[-1]}"
    return f"one of: {', '.join(known)}" if len(known) > 1 else f"there is only {known[0]}"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The nearest known word as a question, else the list of all."""
    words = {candidate.lower(): candidate for candidate in known}
    near = difflib.get_close_matches(word[:LONGEST_QUOTE].lower(), words, n=1, cutoff=0.6)
    return f"did you mean {quoted(words[near[0]])}?" if near else one_of(words.values())


def dotted(loc: Iterable[str | int]) -> str:
    """`windows.0.open`; text that came from the file is kept harmless."""
    return ".".join(quoted(part)[1:-1] if isinstance(part, str) else str(part) for part in loc)
