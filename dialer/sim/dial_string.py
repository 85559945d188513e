"""The text of an `originate` taken apart as the switch does it, mistakes of ours included.

Quotes and backslashes follow `switch_separate_string` (freeswitch.md 1.1, 8): an odd quote
swallows the rest, `\\s` is a space, `}` always ends the block, an empty value drops the
variable, `^^;` names another separator. Nothing is cleaned: whoever builds a bad string must
see here what the real switch would have done with it (a second leg, another variable, -USAGE).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

USAGE = (
    "-USAGE: <call url> <exten>|&<application_name>(<app_args>) [<dialplan>] [<context>] "
    "[<cid_name>] [<cid_num>] [<timeout_sec>]\n"
)
_MOST_ARGUMENTS = 10

_WORD = re.compile(r"(?:[^ '\\]++|\\.?|'(?:[^'\\]++|\\.)*+(?:'|\\?$))++", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)|'", re.DOTALL)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "s": " "}


class UsageError(ValueError):
    """The command has too few or too many arguments."""


@dataclass(frozen=True, slots=True)
class Application:
    """One step of a script: `name` and its argument text."""

    name: str
    data: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One endpoint of a dial string. `kind`: "gateway", "user", "profile" or "unknown"."""

    kind: str
    url: str
    gateway: str = ""
    number: str = ""
    domain: str = ""
    profile: str = ""
    variables: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginateText:
    """A whole `originate`; `script` None = the target needs a dialplan that isn't here."""

    legs: tuple[Leg, ...]
    variables: dict[str, str]
    target: str
    script: tuple[Application, ...] | None
    inline: bool
    caller_name: str = ""
    caller_number: str = ""
    timeout_s: int = 60


def split_words(text: str) -> list[str]:
    """Split at spaces; quotes hold together and are taken off."""
    words: list[str] = []
    for match in _WORD.finditer(text):
        if len(words) == _MOST_ARGUMENTS - 1:
            words.append(_clean(text[match.start() :], " "))
            break
        words.append(_clean(match[0], " "))
    return words


def split_at(text: str, delimiter: str) -> list[str]:
    """Split at a character that is neither quoted nor escaped."""
    if "\\" not in text and "'" not in text:
        return text.split(delimiter)
    one = re.escape(delimiter)
    pattern = rf"(?:[^'\\{one}]++|\\.?|'(?:[^'\\]++|\\.)*+(?:'|\\?$))*+"
    parts, at = [], 0
    splitter = re.compile(pattern, re.DOTALL)
    while True:
        match = splitter.match(text, at)
        end = match.end() if match else at
        parts.append(_clean(text[at:end], delimiter))
        if end >= len(text):
            return parts
        at = end + 1


def _clean(text: str, delimiter: str) -> str:
    if "\\" not in text and "'" not in text:
        return text

    def plain(match: re.Match[str]) -> str:
        escaped = match[1]
        if escaped is None:
            return ""
        if escaped in ("'", '"', "\\", delimiter):
            return escaped
        return _ESCAPED.get(escaped, match[0])

    return _ESCAPE.sub(plain, text)


def parse_originate(text: str) -> OriginateText:
    """Raises UsageError where the switch would answer -USAGE."""
    words = split_words(text)
    if not 2 <= len(words) <= 7:
        raise UsageError
    words = ["" if word.lower() == "undef" else word for word in words]
    url, target, dialplan, _context, name, number, timeout = words + [""] * (7 - len(words))
    variables, rest = parse_block(url.lstrip(), "{", "}")
    script = parse_target(target, dialplan)
    timeout_text = variables.get("originate_timeout") or timeout
    return OriginateText(
        legs=tuple(_legs(rest)),
        variables=variables,
        target=target,
        script=script,
        inline=not target.startswith("&"),
        caller_name=name,
        caller_number=number,
        timeout_s=int(timeout_text) if timeout_text.isdigit() else 60,
    )


def parse_block(text: str, opening: str, closing: str) -> tuple[dict[str, str], str]:
    """Variables of a leading `{...}` (or `[...]`), and what comes after it."""
    variables: dict[str, str] = {}
    while text.startswith(opening):
        inside, _, text = text[1:].partition(closing)
        delimiter = ","
        if inside.startswith("^^") and len(inside) > 2:
            delimiter, inside = inside[2], inside[3:]
        for part in split_at(inside, delimiter):
            name, _, value = part.strip().partition("=")
            if name and value:
                variables[name] = value
        text = text.lstrip()
    return variables, text


def _legs(text: str) -> list[Leg]:
    legs = []
    for piece in re.split(r":_:|[,|](?![^\[]*\])", text):
        variables, url = parse_block(piece.strip(), "[", "]")
        legs.append(_leg(url, variables))
    return legs


def _leg(url: str, variables: dict[str, str]) -> Leg:
    kind, _, rest = url.partition("/")
    if kind == "user":
        extension, _, domain = rest.partition("@")
        return Leg(kind="user", url=url, number=extension, domain=domain, variables=variables)
    if kind != "sofia":
        return Leg(kind="unknown", url=url, variables=variables)
    profile, _, number = rest.partition("/")
    if profile == "gateway":
        gateway, _, number = number.partition("/")
        return Leg(kind="gateway", url=url, gateway=gateway, number=number, variables=variables)
    extension, _, domain = number.replace("%", "@", 1).partition("@")
    return Leg(
        kind="profile",
        url=url,
        profile=profile,
        number=extension,
        domain=domain,
        variables=variables,
    )


def parse_target(target: str, dialplan: str) -> tuple[Application, ...] | None:
    """The script that runs at answer; None for an extension of a dialplan."""
    if target.startswith("&"):
        name, _, data = target[1:].partition(")")[0].partition("(")
        return (Application(name, data),)
    if dialplan.lower() == "inline":
        return parse_inline(target)
    return None


@lru_cache(maxsize=256)
def parse_inline(text: str) -> tuple[Application, ...]:
    """`app:data,app:data`, or with `m:^:` in front another separator."""
    delimiter = ","
    if text.startswith("m:") and text[3:4] == ":":
        delimiter, text = text[2], text[4:]
    steps = []
    for part in split_at(text, delimiter):
        name, _, data = part.strip().partition(":")
        if name:
            steps.append(Application(name, data))
    return tuple(steps)
