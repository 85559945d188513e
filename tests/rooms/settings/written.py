"""Small configurations in a folder of the test's own, and their problems as a person
sees them."""

from pathlib import Path

from dialer.errors import ConfigError
from dialer.settings.loading import Loaded, load

ENVIRONMENT = {"DIALER_SWITCH_PASSWORD": "ClueCon"}

DAEMON = """\
name: dialer1
gateways:
  carrier_a: {calls_per_s: 5, calls_at_once: 20}
  carrier_b: {calls_per_s: 5, calls_at_once: 20}
pools:
  cities:
    gateways: [carrier_a]
    numbers: ["+74950000101"]
groups:
  sales:
  empty:
operators:
  anna: {extension: 101, endpoint: user/101@pbx.example, groups: [sales]}
"""

CAMPAIGN = """\
list: spring
group: sales
pool: cities
purpose: marketing
"""


def lay(folder: Path, daemon: str = DAEMON, **campaigns: str) -> Path:
    """Write dialer.yaml and campaigns/NAME.yaml; the path of the first."""
    (folder / "campaigns").mkdir(exist_ok=True)
    for name, text in campaigns.items():
        (folder / "campaigns" / f"{name}.yaml").write_text(text, encoding="utf-8")
    (folder / "dialer.yaml").write_text(daemon, encoding="utf-8")
    return folder / "dialer.yaml"


def read(folder: Path, daemon: str = DAEMON, **campaigns: str) -> Loaded:
    """Load what is laid, with the test's own environment only."""
    return load(lay(folder, daemon, **campaigns), environ=ENVIRONMENT)


def told(folder: Path, daemon: str = DAEMON, **campaigns: str) -> list[str]:
    """The problems as printed, the places seen from the folder."""
    try:
        read(folder, daemon, **campaigns)
    except ConfigError as error:
        return [str(problem).replace(f"{folder}/", "") for problem in error.problems]
    return []
