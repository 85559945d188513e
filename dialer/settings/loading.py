"""The door: dialer.yaml and its campaigns -> Loaded, or ConfigError with all problems at once.

Nothing is half loaded: a reload calls `load` again and gets a whole new value or an error, and
then keeps what it has.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dialer.core.model import Campaign
from dialer.core.permission.retention import DataKind, least_s
from dialer.errors import ConfigError, Problem
from dialer.settings.abandonment import certify_out_of_reach
from dialer.settings.campaign_model import CampaignModel
from dialer.settings.campaigns import campaign_of, contradictions, revision_of
from dialer.settings.crosschecks import no_price, nothing_to_show, unknown_names
from dialer.settings.daemon import Settings, Surroundings, settings_of
from dialer.settings.daemon_model import DaemonModel
from dialer.settings.places import shown
from dialer.settings.presets import laid_under, laxer_than_the_law
from dialer.settings.tree import Tree, read_tree
from dialer.settings.validate import in_order, problem_at, validate
from dialer.settings.wording import quoted

ENDINGS = (".yaml", ".yml")
DEFAULTS = "campaign_defaults"
#: What every campaign must say itself.
OWN_KEYS = ("name", "list")


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """Everything that the daemon is told by people, consistent with itself."""

    settings: Settings
    campaigns: tuple[Campaign, ...]


def load(
    path: Path,
    *,
    campaign_files: Sequence[Path] | None = None,
    environ: Mapping[str, str] | None = None,
    secrets_needed: bool = True,
) -> Loaded:
    """Read the daemon's file and its campaigns; `campaign_files` stands in for those it names.

    Raises ConfigError with every problem of every file, in order.
    """
    tree = read_tree(path, shown(path))
    model, problems = validate(DaemonModel, tree)
    settings: Settings | None = None
    if model is not None:
        around = Surroundings(
            folder=path.parent,
            environ=os.environ if environ is None else environ,
            secrets_needed=secrets_needed,
        )
        settings, found = settings_of(model, tree, around)
        problems += found
    problems += _defaults_problems(tree)
    if campaign_files is None:
        campaign_files, found = _campaign_files(tree, path.parent)
        problems += found
    campaigns: dict[str, tuple[Campaign, str]] = {}
    for file in campaign_files:
        problems += _load_campaign(file, tree, settings, campaigns)
    if settings is not None:
        problems += _too_short(tree, settings, [one for one, _ in campaigns.values()])
    if problems or settings is None:
        raise ConfigError(in_order(problems))
    return Loaded(
        settings=settings, campaigns=tuple(campaign for campaign, _ in campaigns.values())
    )


def _too_short(tree: Tree, settings: Settings, campaigns: Sequence[Campaign]) -> list[Problem]:
    """Attempts that a limit still looks back at must be there."""
    keep_s, least = settings.retention.get(DataKind.ATTEMPTS), least_s(campaigns)
    if keep_s is None or keep_s >= least:
        return []
    days = math.ceil(least / 86_400)
    what = "some limit of a campaign looks back further than this"
    return [problem_at(tree, ("retention", "attempts"), what, f"at least {days}d")]


def _campaign_files(tree: Tree, folder: Path) -> tuple[list[Path], list[Problem]]:
    """The files that `campaigns:` names: itself a file, or all of a folder by name."""
    if tree.value is None:
        return [], []  # unreadable: where they would be is not known
    given = tree.at("campaigns")
    names = given if isinstance(given, list) else ["campaigns" if given is None else given]
    files: list[Path] = []
    problems: list[Problem] = []
    for index, name in enumerate(names):
        path = folder / str(name)
        if path.is_dir():
            files += sorted(file for file in path.iterdir() if file.suffix in ENDINGS)
        elif path.is_file():
            files.append(path)
        else:
            loc = ("campaigns", index) if isinstance(given, list) else ("campaigns",)
            what, remedy = "there is no such file or folder", f"looked for {shown(path)}"
            problems.append(problem_at(tree, loc, what, remedy))
    return files, problems


def _defaults_problems(tree: Tree) -> list[Problem]:
    own = [key for key in tree.mapping(DEFAULTS) if key in OWN_KEYS]
    return [
        problem_at(tree, (DEFAULTS, key), "every campaign has its own", "take it out")
        for key in own
    ]


def _load_campaign(
    path: Path,
    daemon: Tree,
    settings: Settings | None,
    campaigns: dict[str, tuple[Campaign, str]],
) -> list[Problem]:
    """Add the file's campaign to `campaigns` (name -> campaign and file); its problems."""
    tree = read_tree(path, shown(path)).with_defaults(daemon, DEFAULTS)
    tree, refused = laid_under(tree)
    model, problems = validate(CampaignModel, tree)
    problems += refused
    problems += unknown_names(tree, daemon)
    if model is None:
        return problems
    problems += contradictions(model, tree)
    problems += laxer_than_the_law(model, tree)
    name = model.name or path.stem
    if name in campaigns:
        what = f"{campaigns[name][1]} holds a campaign {quoted(name)} already"
        problems.append(problem_at(tree, ("name",), what, "each has a name of its own"))
    pool = daemon.mapping("pools").get(model.pool)
    gateways = pool.get("gateways") if isinstance(pool, dict) else None
    campaign = campaign_of(
        model,
        name=name,
        gateways=[str(gateway) for gateway in gateways] if isinstance(gateways, list) else (),
        revision=revision_of(tree, daemon.mapping(DEFAULTS)),
    )
    if settings is not None:
        problems += nothing_to_show(campaign, tree, settings)
        problems += no_price(campaign, tree, settings)
        problems += certify_out_of_reach(campaign, tree, settings)
    campaigns.setdefault(name, (campaign, tree.file))
    return problems
