"""The command line's trunk: verbs by name, each in its own file, loaded when it is called.

Errors that a person can mend end here: one clear sentence each, no traceback. Exit codes: 0
done, 1 the store or the switch did not do it, 2 what was written is wrong.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click

from dialer import __version__
from dialer.cli.quiet import quiet
from dialer.errors import ConfigError, NameTaken, StoreError, SwitchError

#: verb -> (module in dialer.cli, one line for the list of verbs)
VERBS: dict[str, tuple[str, str]] = {
    "audit": ("rights", "The record of who did what: verify its chain."),
    "check": ("check", "Say what is wrong in the configuration and the campaigns."),
    "complaint": ("complaints", "Note a complaint, list them; they count against a campaign."),
    "consent": ("consent", "Show, add and withdraw consents of a phone."),
    "demo": ("demo", "Rehearse a campaign on a simulated switch, with everything it needs."),
    "doctor": ("doctor", "Look at switch, stores, gateways, sounds, clocks and contracts."),
    "forecast": ("forecast", "Say what a campaign will do, before it is started."),
    "gateways": ("gateways", "Write FreeSWITCH's files for carriers and numbers."),
    "erase": ("rights", "Erase everything on a phone; a stop under its digest stays."),
    "export": ("rights", "Write everything that is stored on a phone."),
    "halt": ("halt", "Emergency stop: no call starts any more, ringing ones end, talks go on."),
    "import": ("imports", "Load a CSV or JSON-lines file into a list."),
    "keys": ("keys", "The keys of personal data: make, show, rotate."),
    "lead": ("lead", "Dial a contact ahead of the queue: a hot lead."),
    "migrate": ("migrate", "Bring the database to this version."),
    "operator": ("operators", "Log an operator in or out, pause him, note a result."),
    "plan": (
        "plan",
        "Show what a campaign would dial now, and why each other one is held back.",
    ),
    "replay": ("replay", "Decide a recorded day of pacing again, or by another pacing."),
    "recordings": ("recordings", "Recordings of talks: list, give one out, prove, prune."),
    "report": ("report", "Show what came of a campaign."),
    "retention": ("retention", "Show or delete data that is older than it is kept."),
    "resume": ("halt", "End the emergency stop."),
    "run": ("run", "Run the daemon."),
    "stoplist": ("stoplist", "Who is not to be called: add, remove, import, export, audit."),
    "why": ("why", "Say on what ground an attempt was made."),
    "why-not": ("why", "Say why a phone is not called, campaign by campaign."),
    "simulate": ("simulate", "Dial made-up shifts in virtual time, and score the pacing."),
    "status": ("status", "Show what the daemons are doing."),
    "supervise": ("supervise", "Listen to an operator, whisper to him, or barge in."),
    "testcall": ("testcall", "Call your own phone through a gateway, every step shown."),
}


class Verbs(click.Group):
    """Loads a verb's module only when it is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        module = importlib.import_module(f"dialer.cli.{VERBS[cmd_name][0]}")
        command: click.Command = getattr(module, f"{cmd_name.replace('-', '_')}_command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl([(name, VERBS[name][1]) for name in sorted(VERBS)])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            for problem in error.problems:
                click.echo(str(problem), err=True)
            sys.exit(2)
        except (NameTaken, StoreError, SwitchError) as error:
            click.echo(f"dialer: {error}", err=True)
            sys.exit(1)


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="dialer")
def cli() -> None:
    """A predictive dialer on FreeSWITCH: never twice, never lost, inside the limits."""
    # A verb speaks to a person; only the daemon (`run`) writes a log.
    quiet()
