"""The settings described by themselves: JSON Schema for editors, the tables of the docs.

    python -m dialer.settings.description docs/campaigns.md     # writes the document anew
A test holds docs/campaigns.md to what `describe()` says.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dialer.settings.campaign_model import (
    CONDITIONS,
    DATE_CONDITIONS,
    RULE_FIELDS,
    TAG_CONDITIONS,
    CampaignModel,
    RoundsModel,
    RuleModel,
)
from dialer.settings.columns import IGNORE, TARGETS, MappingModel
from dialer.settings.daemon_model import DaemonModel
from dialer.settings.examples import pieces
from dialer.settings.limits_model import CapsModel, RollingModel, WindowModel
from dialer.settings.validate import Model

SCHEMAS: dict[str, type[Model]] = {
    "dialer": DaemonModel,
    "campaign": CampaignModel,
    "mapping": MappingModel,
}
_SECTIONS: tuple[tuple[str, type[Model]], ...] = (
    ("`rules`: one item", RuleModel),
    ("`windows`: one item", WindowModel),
    ("`caps`", CapsModel),
    ("`caps: rolling`: one item", RollingModel),
    ("`rounds`", RoundsModel),
)

_HEAD = """\
# Campaigns

One file, one campaign: `campaigns/NAME.yaml`. `dialer check` tells every mistake with file,
line and column; `dialer plan NAME` shows what would be dialed now and why each other contact is
held back. Durations carry their unit (`25s`, `10m`, `2h`, `3d`), shares their sign (`3 %`),
times are `9:00`; only `true` and `false` are truth values. Keys that dialer.yaml gives under
`campaign_defaults` count where a campaign does not say otherwise.

Whole campaigns to copy, each with its list: `campaigns/bought_list.yaml`, `site_leads.yaml`,
`reactivation.yaml`, `missed_calls.yaml`. Rehearse yours before anybody is called:
`dialer demo --campaign MINE.yaml --contacts MINE.csv --any-hour`.

**In your editor**: with a first line
`# yaml-language-server: $schema=PATH/config/schema/campaign.json` (dialer.json, mapping.json
for the other files) VS Code (extension YAML), Neovim, Emacs and JetBrains' IDEs complete keys,
show their help and underline mistakes. `dialer check` knows more: whether pools, groups and
gateways exist, and whether the list is too large for the pool.

This file is made from the models by `make docs`.
"""


def json_schema(name: str) -> dict[str, Any]:
    """The JSON Schema of "dialer", "campaign" or "mapping", for editors."""
    schema = SCHEMAS[name].model_json_schema(by_alias=True)
    schema["$schema"] = "http://json-schema.org/draft-07/schema#"
    if name == "campaign":
        _show_examples(schema)
    if name == "dialer":
        _allow_short_forms(schema)
    return schema


def _show_examples(schema: dict[str, Any]) -> None:
    """An editor shows them beside the key's meaning."""
    for key, words in schema["properties"].items():
        if pieces(key):
            told = "\n".join(("", *pieces(key)))
            words["markdownDescription"] = f"{words.get('description')}\n```yaml{told}\n```"


def _allow_short_forms(schema: dict[str, Any]) -> None:
    """What is filled up before pydantic looks: a number as text, a group without keys."""
    numbers = schema["$defs"]["PoolModel"]["properties"]["numbers"]
    numbers["items"] = {"anyOf": [{"type": "string"}, numbers["items"]]}
    groups = schema["properties"]["groups"]
    groups["additionalProperties"] = {
        "anyOf": [{"type": "null"}, groups["additionalProperties"]]
    }


def describe() -> str:
    """The text of docs/campaigns.md."""
    parts = [_HEAD, "## Keys\n", _table(CampaignModel)]
    for title, model in _SECTIONS:
        parts += [f"## {title}\n", _table(model)]
    parts += [
        _RULES,
        "## Examples, key by key\n",
        _examples(),
        "## Columns of an imported file\n",
        _columns(),
    ]
    return "\n".join(parts)


def _examples() -> str:
    """Every piece can be copied as it stands."""
    keys = (field.alias or name for name, field in CampaignModel.model_fields.items())
    shown = ("\n\n".join(pieces(key)) for key in keys if pieces(key))
    return "".join(f"```yaml\n{text}\n```\n\n" for text in shown).rstrip("\n") + "\n"


_RULES = f"""\
A rule's score counts where its condition matches; the scores of all matching rules add up, and
equal sums keep the order of the list. Fields with dates ({
    ", ".join(f"`{name}`" for name, fit in RULE_FIELDS.items() if fit == DATE_CONDITIONS)
}) take
{", ".join(f"`{word}`" for word in DATE_CONDITIONS)}; negative days look ahead. `tags` takes
{
    ", ".join(f"`{word}`" for word in TAG_CONDITIONS)
}; fields of the list's own (`fields.NAME`) take
any of {", ".join(f"`{word}`" for word in CONDITIONS)}.
"""


def _columns() -> str:
    rows = [f"| `{target}` | {told} |" for target, told in TARGETS.items()]
    rows.append("| `fields.NAME` | a field of the list's own, for rules |")
    rows.append(f"| `{IGNORE}` | not taken over |")
    return "| meaning | what stands in it |\n|---|---|\n" + "\n".join(rows) + "\n"


def _table(model: type[Model]) -> str:
    return "| key | values | default | meaning |\n|---|---|---|---|\n" + "".join(
        f"| `{key}` | {values} | {default} | {told} |\n"
        for key, values, default, told in _rows(model)
    )


def _rows(model: type[Model]) -> Iterator[tuple[str, str, str, str]]:
    whole = model.model_json_schema(by_alias=True)
    for name, field in model.model_fields.items():
        key = field.alias or name
        told = (field.description or "").replace("|", "\\|")
        values = _values(whole["properties"][key])
        if field.is_required():
            default = "**must be given**"
        elif field.default_factory is not None:
            default = "see below"
        else:
            default = _default(field.default)
        yield key, values, default, told


def _default(value: Any) -> str:
    if value is None or value in ([], {}):
        return "–"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value}`"


def _values(schema: dict[str, Any]) -> str:
    """What may stand there, in a few words."""
    options = [part for part in schema.get("anyOf", ()) if part.get("type") != "null"]
    if len(options) == 1:
        return _values({**options[0]})
    if "enum" in schema:
        return ", ".join(f"`{word}`" for word in schema["enum"])
    title = schema.get("title", "")
    if title and not title[0].isupper():
        return str(title)
    if "$ref" in schema:
        return "keys, see below"
    kind = schema.get("type", "any")
    if kind == "array":
        return f"list of {_values(schema.get('items', {}))}"
    return {"boolean": "true, false", "integer": "whole number", "object": "keys"}.get(
        str(kind), str(kind)
    )


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(describe(), encoding="utf-8")
