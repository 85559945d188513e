"""uuid_bridge: two legs taken out of what they do and joined, with its traps (proofs 3, 4).

The command answers at once; the bridge comes 24-62 ms later if both legs live so long. What
happens if one dies in between depends on the order of the arguments alone:
  the second dies -> the first goes back to park by itself if it carries
                     uuid_bridge_park_on_cancel, else it is hung up (ORIGINATOR_CANCEL);
  the first dies  -> the second is left in limbo (no BRIDGE, no PARK, no HANGUP, for ever), or,
                     rarely, hung up (DESTINATION_OUT_OF_ORDER).
Both legs have left their scripts by then.
"""

from __future__ import annotations

from dialer.sim.channel import Bridge, Channel
from dialer.sim.exchange import Exchange
from dialer.sim.legs import bridge_headers, end_playback, hang_up, park, take_away

REFUSED = "-ERR Invalid uuid\n"


def bridge(x: Exchange, first_uuid: str, second_uuid: str) -> str:
    """`uuid_bridge FIRST SECOND`; the reply. `-ERR` leaves both legs untouched."""
    first, second = x.channel(first_uuid), x.channel(second_uuid)
    if first is None or second is None or first is second:
        return REFUSED
    if not (first.answered and second.answered and first.alive and second.alive):
        return REFUSED
    joined = first.bridge is not None and first.bridge is second.bridge
    if not joined:
        for leg in (first, second):
            if leg.bridge is not None or leg.hand_over is not None:
                take_away(x, leg)
        if first.alive and second.alive:
            _HandOver(x, first, second)
    return f"+OK {second_uuid}\n"


class _HandOver:
    """One hand-over in progress; both legs point to it until it has ended."""

    __slots__ = ("_first", "_second", "_x")

    def __init__(self, x: Exchange, first: Channel, second: Channel) -> None:
        self._x, self._first, self._second = x, first, second
        for leg, other in ((first, second), (second, first)):
            leg.hand_over = self
            leg.parked = leg.limbo = False
            leg.cancel_timer("script", "playback", "key", "park")
            leg.enter("CS_EXECUTE", "CS_HIBERNATE")
            _note_partner(x, leg, other, "originatee" if leg is first else "originator")
            leg.hit_dialplan = leg is first
            leg.call_uuid = leg.uuid
            wait_s = x.between(x.world.ways.leave_s, leg.draw)
            leg.set_timer("leave", x.after(wait_s, self._leave, leg))
        _exchange_ids(first, second)
        wait_s = x.between(x.world.ways.hand_over_s, second.draw)
        first.set_timer("hand_over", x.after(wait_s, self._complete))

    def lost(self, channel: Channel) -> None:
        x, first, second = self._x, self._first, self._second
        self.cancel()
        if channel is first:
            if second.draw.random() < x.world.ways.lost_share:
                hang_up(x, second, "DESTINATION_OUT_OF_ORDER", by_us=True)
            else:
                _strand(x, second)
        elif first.true("uuid_bridge_park_on_cancel"):
            wait_s = x.between(x.world.ways.park_on_cancel_s, first.draw)
            first.set_timer("script", x.after(wait_s, self._park_again))
        else:
            hang_up(x, first, "ORIGINATOR_CANCEL", by_us=True)

    def cancel(self) -> None:
        for leg in (self._first, self._second):
            leg.hand_over = None
            leg.cancel_timer("hand_over", "leave")

    def _leave(self, leg: Channel) -> None:
        """The leg's thread leaves its playback at the next frame."""
        end_playback(self._x, leg)

    def _park_again(self) -> None:
        if self._first.alive and self._first.hand_over is None:
            park(self._x, self._first)

    def _complete(self) -> None:
        x, first, second = self._x, self._first, self._second
        self.cancel()
        for leg in (first, second):
            end_playback(x, leg)
        now = x.now()
        joined = Bridge(first=first, second=second, began_at=now)
        for leg in (first, second):
            leg.bridge = joined
            leg.bridged_at = now
            leg.cancel_timer("patience")
            leg.call_uuid = first.uuid
            talk_s = leg.plan.talk_s
            if talk_s is not None:
                leg.set_timer("talk", x.after(talk_s, _leaves, x, leg))
        first.variables.pop("uuid_bridge", None)
        first.enter("CS_SOFT_EXECUTE")
        second.enter("CS_EXCHANGE_MEDIA")
        x.emit(first, "CHANNEL_BRIDGE", bridge_headers(joined))


def _leaves(x: Exchange, leg: Channel) -> None:
    """The callee has said all he wanted."""
    hang_up(x, leg, "NORMAL_CLEARING", by_us=False)


def _strand(x: Exchange, leg: Channel) -> None:
    """Limbo: the leg lives and does nothing until somebody takes it (proofs 4)."""
    leg.limbo = True
    end_playback(x, leg)
    leg.enter("CS_RESET" if leg.draw.random() < 0.57 else "CS_SOFT_EXECUTE")


def _note_partner(x: Exchange, leg: Channel, other: Channel, role: str) -> None:
    leg.other, leg.other_type = other, role
    leg.profile_index += 1
    leg.profile_created_at = x.now()
    leg.variables["bridge_channel"] = other.name
    leg.variables["bridge_uuid"] = other.uuid
    leg.variables["signal_bond"] = other.uuid
    if role == "originatee":
        leg.variables["uuid_bridge"] = other.uuid
    leg.append_history(f"{int(x.now())}:{x.new_uuid()}:uuid_br:{other.uuid}")


def _exchange_ids(first: Channel, second: Channel) -> None:
    """After this nobody's number stands in `Caller-*` any more (proofs 4)."""
    second.caller_id, second.caller_id_name = first.caller_id, first.caller_id_name
    first.callee_id, first.callee_id_name = second.callee_id, second.callee_id_name
