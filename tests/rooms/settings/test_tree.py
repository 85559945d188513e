"""If these fail, a file's text is silently misread, or a person is sent to the wrong line."""

import string

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.settings.campaign_model import CampaignModel
from dialer.settings.tree import MOST_NODES, parse, read_tree
from dialer.settings.validate import validate


def problems(text):
    return [str(problem) for problem in parse(text, "f.yaml").problems]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("9:00", "9:00"),
        ("21:00", "21:00"),
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("010", "010"),
        ("0x1f", "0x1f"),
        ("1_000", "1_000"),
        ("+79161234567", "+79161234567"),
        ("2026-11-24", "2026-11-24"),
        (".inf", ".inf"),
        ("1e5", "1e5"),
        ("9" * 5000, "9" * 5000),
        ("true", True),
        ("false", False),
        ("~", None),
        ("", None),
        ("null", None),
        ("7", 7),
        ("-7", -7),
        ("1.6", 1.6),
        ('"7"', "7"),
        ("'true'", "true"),
        ("|\n  7\n", "7\n"),
    ],
)
def test_only_plain_quantities_are_not_text(written, read):
    """YAML 1.1 reads 9:00 as 540 and no as False: hours and phones would change unseen."""
    value = parse(f"key: {written}", "f.yaml").value["key"]
    assert value == read
    assert type(value) is type(read)


def test_every_value_and_key_has_its_place():
    tree = parse("list: a\nwindows:\n  - {open: 9:00, close: 21:00}\n", "f.yaml")
    assert str(tree.value_mark(("list",))) == "f.yaml:1:7"
    assert str(tree.key_mark(("windows", 0, "close"))) == "f.yaml:3:18"
    assert str(tree.value_mark(("windows", 0, "close"))) == "f.yaml:3:25"
    assert str(tree.value_mark(("windows", 0, "missing"))) == "f.yaml:3:5"
    assert str(tree.key_mark(("nowhere", "at", "all"))) == "f.yaml:1:1"


def test_an_alias_has_the_place_of_what_it_stands_for():
    tree = parse("a: &x {k: 1}\nb: *x\n", "f.yaml")
    assert tree.value == {"a": {"k": 1}, "b": {"k": 1}}
    assert str(tree.value_mark(("b", "k"))) == "f.yaml:1:11"
    assert str(tree.key_mark(("b", "k"))) == "f.yaml:1:8"


def test_a_doubled_key_is_told_and_the_first_value_stays():
    """PyYAML keeps the last one: half of a campaign's rules would vanish without a word."""
    tree = parse("a: 1\nb: {c: 2}\nb: {c: 3, c: 4}\n", "f.yaml")
    assert tree.value == {"a": 1, "b": {"c": 2}}
    assert [str(problem) for problem in tree.problems] == [
        "f.yaml:3:1: b: given twice (keep one of them)",
        "f.yaml:3:11: b (again).c: given twice (keep one of them)",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "f.yaml:1:1: is empty"),
        ("# only a comment\n", "f.yaml:1:1: is empty"),
        ("a: 1\n---\nb: 2\n", "f.yaml:2:1: a second document begins here"),
        ("a:\n\tb: 1\n", "f.yaml:2:1: a character that cannot begin a value"),
        ("a: b: c\n", "f.yaml:1:5: a second colon on the line, or a wrong indentation"),
        ("a: [1, 2\n", "f.yaml:2:1: a list in [ ] is not closed"),
        ("a: {b: 1\n", "f.yaml:2:1: a mapping in { } is not closed"),
        ("a: 'x\n", "f.yaml:2:1: the file ends inside a quoted text"),
        ("a: &x [*x]\n", "f.yaml:1:8: a.0: 'x' contains itself"),
        ("a: *x\n", "f.yaml:1:4: a: nothing is anchored as 'x'"),
        (
            "a: !!python/object:os.system x\n",
            "f.yaml:1:4: a: the tag 'tag:yaml.org,2002:python",
        ),
        ("<<: {a: 1}\n", "f.yaml:1:1: <<: merge keys are not used"),
        ("? [a]\n: 1\n", "f.yaml:1:3: a key must be a word"),
        ("a: \x07\n", "f.yaml:1:1: holds a control character that YAML does not allow"),
        ("[" * 50, "f.yaml:1:22: is nested more than 20 levels deep"),
    ],
)
def test_what_is_no_yaml_is_told_in_one_sentence_with_its_place(text, told):
    assert len(found := problems(text)) == 1
    assert found[0].startswith(told)


def test_a_billion_laughs_are_not_laughed():
    """An alias of aliases must not fill the memory of the daemon that reloads."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    (told,) = problems("\n".join(lines))
    assert f"holds more than {MOST_NODES} values" in told


def test_a_file_in_another_encoding_names_its_line(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_bytes("list: a\nnote: весна\n".encode("cp1251"))
    tree = read_tree(path, "c.yaml")
    assert [str(problem) for problem in tree.problems] == [
        "c.yaml:2:1: is not UTF-8 text (save the file as UTF-8)"
    ]


def test_a_file_that_is_not_there_is_one_sentence(tmp_path):
    tree = read_tree(tmp_path / "no.yaml", "no.yaml")
    assert [str(p) for p in tree.problems] == [
        "no.yaml: cannot be read: No such file or directory"
    ]


def test_defaults_fill_only_what_is_not_said_and_keep_their_own_place():
    own = parse("a: 1\n", "own.yaml")
    other = parse("campaign_defaults:\n  a: 2\n  b: {c: 3}\n", "daemon.yaml")
    merged = own.with_defaults(other, "campaign_defaults")
    assert merged.value == {"a": 1, "b": {"c": 3}}
    assert str(merged.value_mark(("b", "c"))) == "daemon.yaml:3:10"
    assert str(merged.value_mark(("a",))) == "own.yaml:1:4"


words = st.text(string.ascii_letters + "абвгд :,[]{}'\"#&*!|>-0123456789", max_size=12)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
    max_leaves=15,
)


@given(values)
@settings(max_examples=150)
def test_what_a_yaml_writer_writes_is_read_back(value):
    """PyYAML quotes for YAML 1.1, more than our rules need: everything survives."""
    text = yaml.safe_dump({"key": value}, allow_unicode=True)
    assert parse(text, "f.yaml").value == {"key": value}


@given(st.text(max_size=60) | st.text("ab:-[]{}&*x \n'\"!?|", max_size=40))
@settings(max_examples=300)
def test_no_text_whatever_raises(text):
    """A reload of any file must end in a value or in problems, never in a traceback."""
    model, told = validate(CampaignModel, parse(text, "f.yaml"))
    assert model is None and told
    assert all(problem.place.startswith("f.yaml:") for problem in told)
