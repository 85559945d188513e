"""One tree of errors, few kinds, each with a duty.

    DialerError
      ConfigError     what a person wrote (YAML, CSV, command line) is wrong. Carries every
                      problem with its place and remedy. Caught only in `cli`, which prints it
                      and exits 2; a reload that meets it keeps the old configuration.
      SwitchError     the telephone switch, caught in `engine` (performer, reaper):
        LinkDown        no usable connection; whether the command was carried out is unknown
        CommandRefused  the switch answered -ERR or -USAGE: it was not carried out
      StoreError      Redis or PostgreSQL did not do it; caught in `engine` (retry with
                      back-off, dial nothing meanwhile) and in `cli` (a sentence, the remedy)
      NameTaken       another daemon has our name; the daemon ends, its successor goes on
      Bug             something that the state tables forbid. Raised in tests; in service
                      logged and counted, and the value stays as it was

A room translates its library's errors at its door (`raise ... from`). `except Exception` stands
only in `engine.supervision`, `engine.dispatcher` and around the event handlers of `esl.link`,
which must outlive what they call. gevent's Timeout and GreenletExit are BaseException: whoever
holds something releases it in `finally`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong in what a person wrote.

    `place` is "file:line:column" (or "file:line", or the option's name); `what` says what is
    wrong; `remedy` what would be right ("" where `what` says it already).
    """

    place: str
    what: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.place}: {self.what}" + (f" ({self.remedy})" if self.remedy else "")


class DialerError(Exception):
    """Anything that this program raises on purpose."""


class ConfigError(DialerError):
    """What a person wrote is wrong: all problems at once, in the order of their places."""

    def __init__(self, problems: list[Problem] | tuple[Problem, ...]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class SwitchError(DialerError):
    """The switch did not do what was asked."""


class LinkDown(SwitchError):
    """No usable connection; whether the last command was carried out is unknown."""


class CommandRefused(SwitchError):
    """The switch answered `-ERR ...` or `-USAGE ...`; `reply` is that text."""

    def __init__(self, reply: str) -> None:
        self.reply = reply
        super().__init__(reply)


class StoreError(DialerError):
    """Redis or PostgreSQL did not answer, refused, or lost what it held.

    `store` is "redis" or "postgresql"; `remedy` is one plain sentence for a person.
    """

    def __init__(self, store: str, what: str, remedy: str = "") -> None:
        self.store = store
        self.what = what
        self.remedy = remedy
        super().__init__(f"{store}: {what}" + (f" ({remedy})" if remedy else ""))


class NameTaken(DialerError):
    """Another daemon has taken our name: who, and what to do."""


class Bug(DialerError):
    """A pair of state and event, or a value, that the tables forbid."""
