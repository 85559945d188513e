"""The documents against the code: whoever reads them at night must find what is there.

Losing these, an engineer follows a link to nowhere, searches for a function that has moved, or
finds no word in the runbook on what the daemon has just told him.
"""

from __future__ import annotations

import ast
import re
import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest

from dialer.cli.main import VERBS
from dialer.core.calls import attempt_value as attempt
from dialer.core.pacing.observation import Binding
from dialer.core.permission.reasons import Reason
from dialer.core.trouble import Kind as Trouble

ROOT = Path(__file__).resolve().parents[3]
DOCS = sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "CHANGELOG.md"])
GENERATORS = runpy.run_path(str(ROOT / "tools" / "generate_docs.py"))
GENERATED = GENERATORS["documents"]()
SCHEMAS = GENERATORS["schemas"]()

#: `engine/pacer.py:Pacer.look`, `ledger/sql/intents.sql:commit_intents`, `hopper/lua/claim.lua`
REFERENCE = re.compile(r"`((?:[a-z_0-9]+/)*[a-z_0-9]+\.(?:py|sql|lua|sh))(?::([A-Za-z_.]+))?`")
LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)")


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", GENERATED)
def test_the_generated_documents_are_what_the_code_says(name: str) -> None:
    """Run: make docs"""
    assert read(ROOT / "docs" / name) == GENERATED[name]


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_editors_schemas_are_what_the_settings_take(name: str) -> None:
    """Run: make docs"""
    assert read(ROOT / "config" / "schema" / name) == SCHEMAS[name]


# ------------------------------------------------------------------ references into the code


def places(reference: str) -> list[Path]:
    """A reference is seen from dialer/ or from the repository's top."""
    return [path for path in (ROOT / "dialer" / reference, ROOT / reference) if path.is_file()]


def names(path: Path) -> set[str]:
    """Classes, methods, functions, constants of a module; statements of an SQL file."""
    if path.suffix == ".sql":
        return set(re.findall(r"^-- name: (\w+)", read(path), re.MULTILINE))
    return set(_defined(ast.parse(read(path)).body))


def _defined(body: list[ast.stmt]) -> Iterator[str]:
    for one in body:
        if isinstance(one, ast.FunctionDef):
            yield one.name
        elif isinstance(one, ast.ClassDef):
            yield one.name
            yield from (f"{one.name}.{inner}" for inner in _defined(one.body))
        elif isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name):
            yield one.target.id
        elif isinstance(one, ast.Assign):
            yield from (target.id for target in one.targets if isinstance(target, ast.Name))


@pytest.mark.parametrize("document", DOCS, ids=lambda path: path.name)
def test_every_place_in_the_code_that_a_document_names_exists(document: Path) -> None:
    """A reader follows these names into the code."""
    wrong = []
    for file, name in REFERENCE.findall(read(document)):
        found = places(file)
        if not found or (name and name not in names(found[0])):
            wrong.append(f"{file}:{name}")
    assert not wrong, f"{document.name} names what does not exist: {wrong}"


@pytest.mark.parametrize(
    ("row", "lasts_s"),
    [
        ("CLAIMED, the intent is being committed", attempt.CLAIM_S),
        ("DIALING and RINGING: the campaign's `ring_timeout` and", attempt.DIAL_GRACE_S),
        ("WAITING, before the script says that it runs", attempt.READY_S),
        ("OFFERED, before both legs are looked at", attempt.OFFER_S),
        ("OFFERED, while they are looked at", attempt.RESCUE_S),
        ("MESSAGE", attempt.MESSAGE_S),
        ("TALKING: the campaign's `max_talk` and", attempt.TALK_GRACE_S),
        ("ADRIFT", attempt.ADRIFT_S),
    ],
)
def test_the_deadlines_are_those_of_the_code(row: str, lasts_s: float) -> None:
    """Whoever waits at night for a state to end must know how long."""
    assert f"| {row} | {lasts_s:g} |\n" in read(ROOT / "docs" / "architecture.md")


# ------------------------------------------------------------------ links


def anchors(path: Path) -> set[str]:
    """As GitHub makes them of the headings."""
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", read(path), re.MULTILINE)
    }


@pytest.mark.parametrize("document", DOCS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(document: Path) -> None:
    wrong = []
    for target, anchor in LINK.findall(read(document)):
        if "://" in target:
            continue
        path = (document.parent / target).resolve() if target else document
        if not path.exists() or (anchor and anchor not in anchors(path)):
            wrong.append(f"{target}#{anchor}")
    assert not wrong


def test_no_picture_fetches_anything_from_elsewhere() -> None:
    """A README that is opened off line, or behind a company's wall, shows the same."""
    for picture in (ROOT / "docs" / "images").glob("*.svg"):
        text = re.sub(r'xmlns(:\w+)?="[^"]*"', "", read(picture))
        assert not re.findall(r"(?:https?:)?//[^\s\"')]+", text), picture.name
        assert "+7916" not in text  # of people: only our own numbers are shown


# ------------------------------------------------------------------ the runbook


@pytest.mark.parametrize(
    "word", [*Reason, *Binding, *Trouble], ids=lambda word: f"{type(word).__name__}"
)
def test_the_runbook_says_what_to_do_about_every_reason(
    word: Reason | Binding | Trouble,
) -> None:
    """What `dialer status` or a metric says, somebody will search for."""
    text = read(ROOT / "docs" / "runbook.md")
    assert f"`{word.value}`" in text or f"### {word.value}\n" in text


def said_in_trouble() -> Iterator[str]:
    """Phrases that the daemon logs as error or critical."""
    for room in ("engine", "esl", "hopper", "ledger", "metrics"):
        for path in sorted((ROOT / "dialer" / room).rglob("*.py")):
            yield from re.findall(
                r'log\.(?:error|critical|exception)\(\s*"([^"]+)"', read(path)
            )


@pytest.mark.parametrize("phrase", sorted(set(said_in_trouble())))
def test_the_runbook_knows_every_error_that_the_daemon_logs(phrase: str) -> None:
    """A new error in the log needs an entry in docs/runbook.md: what it means, what to do."""
    flowed = " ".join(read(ROOT / "docs" / "runbook.md").split())
    assert f"`{phrase}`" in flowed


def test_the_runbook_knows_every_kind_of_difference_that_a_sweep_repairs() -> None:
    counted = re.findall(r'_count\("(\w+)"\)', read(ROOT / "dialer" / "engine" / "reaper.py"))
    text = read(ROOT / "docs" / "runbook.md")
    assert counted
    assert [kind for kind in counted if f"| `{kind}` |" not in text] == []


# ------------------------------------------------------------------ commands and settings


@pytest.mark.parametrize("document", DOCS, ids=lambda path: path.name)
def test_every_command_that_a_document_shows_is_a_verb(document: Path) -> None:
    """Copied from the document into a terminal, it must be understood."""
    shown = re.findall(r"(?:^|`|\$ |\./|bin/)dialer ([a-z]+)", read(document), re.MULTILINE)
    assert [verb for verb in shown if verb not in VERBS] == []


def test_the_readme_names_every_verb() -> None:
    text = read(ROOT / "README.md")
    assert [verb for verb in VERBS if f"dialer {verb}" not in text] == []


def test_every_file_that_the_readme_names_is_there() -> None:
    """Copied from the README into a command, it must be found."""
    named = re.findall(
        r"\b((?:config|campaigns|docs|tools|tests)/[\w./-]*\w)", read(ROOT / "README.md")
    )
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []
