"""What the switch writes into a channel's variables when it ends (freeswitch-proofs.md 6).

"Ours" shows as a disposition that starts with `send_`, "theirs" as `recv_`; `sip_term_status`
is there only when the far end said the last word.
"""

from __future__ import annotations

from dataclasses import dataclass

from dialer.sim.causes import CODES, PHRASES, q850_shown
from dialer.sim.channel import Channel


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """The carrier's or callee's final answer that is no 200.

    `sent` False: nobody was there to say it (port closed), the switch made it up itself.
    """

    status: int
    reason_q850: int | None = None
    text_603plus: str | None = None
    sent: bool = True


def write_their_word(channel: Channel, cause: str, refusal: Refusal | None) -> None:
    """Their BYE or refusal has come: known at once, in every later event of the leg."""
    variables = channel.variables
    if refusal is not None:
        _write_refusal(variables, cause, refusal)
        return
    variables["sip_term_status"] = "200"
    variables["proto_specific_hangup_cause"] = "sip:200"
    variables["sip_term_cause"] = "16"
    variables["sip_hangup_disposition"] = "recv_bye"


def write_end(channel: Channel, cause: str) -> None:
    """What is known only when the leg reports: the cause, and our own BYE or CANCEL."""
    variables = channel.variables
    if "sip_hangup_disposition" not in variables:
        if channel.answered:
            variables["sip_hangup_disposition"] = "send_bye"
        elif channel.visible:
            variables["sip_hangup_disposition"] = "send_cancel"
            variables["sip_invite_failure_status"] = "487"
            variables["sip_invite_failure_phrase"] = "CANCEL"
    variables["hangup_cause"] = cause
    variables["hangup_cause_q850"] = str(q850_shown(cause))


def _write_refusal(variables: dict[str, object], cause: str, refusal: Refusal) -> None:
    status = str(refusal.status)
    variables["sip_hangup_disposition"] = "recv_refuse"
    variables["sip_invite_failure_status"] = status
    variables["sip_invite_failure_phrase"] = refusal.text_603plus or PHRASES.get(
        refusal.status, "Unknown"
    )
    if refusal.reason_q850 is not None:
        variables["sip_reason"] = f'Q.850;cause={refusal.reason_q850};text="{cause}"'
    if refusal.text_603plus is not None:
        variables["sip_603plus_reason"] = refusal.text_603plus
    if refusal.sent:
        variables["sip_term_status"] = status
        variables["proto_specific_hangup_cause"] = f"sip:{status}"
        variables["sip_term_cause"] = str(CODES[cause])
