"""A person's files, changed for a rehearsal: more operators, a campaign that is active.

They are changed as YAML nodes, not as values: what stood there without quotes stays without,
and `9:00` stays a time (YAML 1.1 makes a number of it).
"""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import yaml


def with_operators(source: Path, wanted: int) -> str:
    """The configuration with so many operators, and its paths seen from anywhere."""
    text = source.read_text(encoding="utf-8")
    tree = yaml.compose(text, yaml.SafeLoader)
    if not isinstance(tree, yaml.MappingNode):
        return text  # loading it says what is wrong
    _put(tree, "operators", _operators(tree, wanted))
    for key in ("campaigns", "tags"):
        found = _get(tree, key)
        if found is not None:
            _make_absolute(found, source.parent)
    return _text(tree)


def made_active(file: Path, *, any_hour: bool) -> str:
    """The campaign, active. `any_hour`: without its windows, so that it can be seen in the
    evening.
    """
    tree = yaml.compose(file.read_text(encoding="utf-8"), yaml.SafeLoader)
    assert isinstance(tree, yaml.MappingNode)
    dropped = {"active", *(("windows", "holidays", "laxer") if any_hour else ())}
    tree.value = [(key, value) for key, value in tree.value if key.value not in dropped]
    tree.value.append((_word("active", "str"), _word("true", "bool")))
    if any_hour and any(key.value == "preset" for key, _ in tree.value):
        # A preset's hours would come back; nobody is called but the simulated switch.
        tree.value += _at_any_hour()
    return _text(tree)


def _text(tree: yaml.Node) -> str:
    """In blocks: between braces YAML quotes `9:00` and an empty value, and tags them."""
    stack = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, yaml.MappingNode):
            node.flow_style = False
            stack += [one for pair in node.value for one in pair]
        elif isinstance(node, yaml.SequenceNode):
            node.flow_style = False
            stack += node.value
    return str(yaml.serialize(tree, allow_unicode=True))


def _operators(tree: yaml.MappingNode, wanted: int) -> yaml.MappingNode:
    """The first of the configured ones, then made-up ones in the first one's groups."""
    found = _get(tree, "operators")
    configured = list(found.value) if isinstance(found, yaml.MappingNode) else []
    chosen = configured[:wanted]
    like = configured[0][1] if configured else _of_first_group(tree)
    for index in range(len(chosen) + 1, wanted + 1):
        chosen.append((_word(f"operator{index}", "str"), _made_up(like, str(10_000 + index))))
    return _mapping(chosen)


def _made_up(like: yaml.Node, extension: str) -> yaml.Node:
    """One like him, with an extension of his own. A copy: a node met twice becomes an alias."""
    one = deepcopy(like)
    if isinstance(one, yaml.MappingNode):
        _put(one, "extension", _word(extension, "int"))
        endpoint = _get(one, "endpoint")
        if endpoint is not None:
            _, _, domain = str(endpoint.value).partition("@")
            _put(one, "endpoint", _word(f"user/{extension}@{domain}", "str"))
    return one


def _of_first_group(tree: yaml.MappingNode) -> yaml.MappingNode:
    groups = _get(tree, "groups")
    names = [key for key, _ in groups.value[:1]] if isinstance(groups, yaml.MappingNode) else []
    return _mapping(
        [(_word("groups", "str"), yaml.SequenceNode("tag:yaml.org,2002:seq", deepcopy(names)))]
    )


def _get(tree: yaml.MappingNode, name: str) -> yaml.Node | None:
    return next((value for key, value in tree.value if key.value == name), None)


def _put(tree: yaml.MappingNode, name: str, value: yaml.Node) -> None:
    others = [(key, old) for key, old in tree.value if key.value != name]
    tree.value = [*others, (_word(name, "str"), value)]


def _mapping(pairs: list[tuple[yaml.Node, yaml.Node]]) -> yaml.MappingNode:
    return yaml.MappingNode("tag:yaml.org,2002:map", pairs)


def _make_absolute(node: yaml.Node, folder: Path) -> None:
    """A path, or a list of them, seen from `folder`."""
    if isinstance(node, yaml.SequenceNode):
        for one in node.value:
            _make_absolute(one, folder)
    elif isinstance(node, yaml.ScalarNode):
        node.value = str(folder / node.value)


def _word(text: str, kind: str) -> yaml.ScalarNode:
    return yaml.ScalarNode(f"tag:yaml.org,2002:{kind}", text)


def _at_any_hour() -> list[tuple[yaml.Node, yaml.Node]]:
    tree = yaml.compose(
        'windows: [{days: daily, open: "0:00", close: "23:59"}]\n'
        "laxer: {windows: a rehearsal on the simulated switch}\n",
        yaml.SafeLoader,
    )
    assert isinstance(tree, yaml.MappingNode)
    return list(tree.value)
