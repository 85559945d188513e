"""Every metric: name, kind, labels and help. An unknown name or label is a Bug.

Conventions of Prometheus: counters end in `_total`, units are base units in the name. A
label's values are bounded: a closed set, names from the configuration, or words of our own
code; never a phone, a number of ours, a contact or an operator (each value is a series for
ever, and scraping thousands of series stops the loop: dependencies.md 13).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from dialer.core.calls.attempt_value import AttemptState
from dialer.core.calls.operator_value import OperatorState
from dialer.core.calls.sound import Fault
from dialer.core.model import Disposition
from dialer.core.pacing.observation import Binding
from dialer.core.permission.persistence import Figures
from dialer.core.permission.reasons import Reason
from dialer.core.permission.retention import DataKind
from dialer.core.trouble import Kind as Trouble


class Kind(StrEnum):
    """What a metric is to Prometheus."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """One label. `values` None: open, but never more than `most` (the rest is "other")."""

    name: str
    values: frozenset[str] | None = None
    most: int = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric. `buckets`: upper bounds of a histogram."""

    name: str
    kind: Kind
    help: str
    labels: tuple[Label, ...] = ()
    buckets: tuple[float, ...] = field(default=())


def _closed(name: str, values: Iterable[str]) -> Label:
    return Label(name=name, values=frozenset(str(value) for value in values))


# Names from the configuration.
CAMPAIGN = Label(name="campaign", most=500)
GROUP = Label(name="group", most=200)
GATEWAY = Label(name="gateway", most=200)
POOL = Label(name="pool", most=200)
# Words of our own code.
KIND = Label(name="kind")
EFFECT = Label(name="effect")
VERB = Label(name="verb")
WHY = Label(name="why")
# Closed sets.
RELOAD = _closed("result", ("applied", "refused"))
STORE = _closed("store", ("redis", "postgresql", "diary", "journal"))
AGAINST = _closed("against", ("postgresql", "switch"))
MACHINE = _closed("machine", ("attempt", "operator"))
NOT_RECORDED = _closed("why", ("no_room", "announcement", "refused", "missing"))
DISPOSITION = _closed("disposition", Disposition)
REASON = _closed("reason", Reason)
BUDGET = _closed("of", ("calls", "money"))
PERSISTENCE = _closed("figure", Figures._fields)
WORD = _closed("kind", ("stops", "withdrawals", "erasures"))
RETAINED = _closed("kind", (*DataKind, "held_attempts", "held_consents", "erased_cards"))
TROUBLE = _closed("kind", Trouble)
ANSWER = _closed("answer", ("committed", *Reason))
CARD = _closed("answer", ("shown", "started", "skipped", "waited"))
BINDING = _closed("binding", Binding)
FALLBACK = _closed("why", ("failed", "absurd", "slow", "defect"))
ATTEMPT_STATE = _closed("state", AttemptState)
OPERATOR_STATE = _closed("state", OperatorState)
PACKETS = _closed("packets", ("received", "sent", "lost"))
SOUND_FAULT = _closed("fault", Fault)
ROW = _closed("result", ("added", "updated", "merged", "unchanged", "kept_out", "rejected"))

#: From a loop-back answer to a store in trouble.
QUICK_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
#: Answer to bridge: 2 s is the bound of R2.2, 0.5 s that of one offer.
HAND_OVER_S = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0)
#: One turn of the dispatcher: past some milliseconds it delays bridges.
TURN_S = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5)
#: A phone rings 15 s at least (regulators); 25 s by default.
RING_S = (1.0, 2.0, 4.0, 6.0, 8.0, 10.0, 15.0, 20.0, 25.0, 30.0, 45.0, 60.0)
#: 30 ms is where people begin to hear it.
JITTER_S = (0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2)
PERSON_S = (1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)


def _counter(name: str, help: str, *labels: Label) -> Metric:  # noqa: A002
    return Metric(name=name, kind=Kind.COUNTER, help=help, labels=labels)


def _gauge(name: str, help: str, *labels: Label) -> Metric:  # noqa: A002
    return Metric(name=name, kind=Kind.GAUGE, help=help, labels=labels)


def _histogram(name: str, help: str, buckets: tuple[float, ...], *labels: Label) -> Metric:  # noqa: A002
    return Metric(name=name, kind=Kind.HISTOGRAM, help=help, labels=labels, buckets=buckets)


_ALL = (
    # the walk of a contact
    _gauge("dialer_campaign_active", "1 while it may dial, 0 after active: false.", CAMPAIGN),
    _counter(
        "dialer_offered_total", "Entries put into the hopper, or brought up to date.", CAMPAIGN
    ),
    _counter(
        "dialer_postponed_total",
        "Contacts found due and not callable now: put off.",
        CAMPAIGN,
        REASON,
    ),
    _gauge("dialer_hopper_entries", "Entries ready in the hopper.", CAMPAIGN),
    _counter(
        "dialer_held_back_total", "Calls that were wanted and not made.", CAMPAIGN, REASON
    ),
    _counter("dialer_claims_total", "Entries claimed under lease.", CAMPAIGN),
    _counter(
        "dialer_cards_total",
        "Preview: cards shown to operators, started, skipped or left waiting by them.",
        CAMPAIGN,
        CARD,
    ),
    _counter("dialer_intents_total", "Intents by the ledger's answer.", CAMPAIGN, ANSWER),
    _counter("dialer_originates_total", "Calls sent to the switch.", GATEWAY),
    _counter(
        "dialer_originates_refused_total",
        "Originates that the switch did not carry out.",
        GATEWAY,
    ),
    _histogram("dialer_ring_seconds", "From the originate to the answer.", RING_S, CAMPAIGN),
    _counter("dialer_answered_total", "Calls answered.", CAMPAIGN),
    _counter("dialer_attempts_ended_total", "Attempts by result.", CAMPAIGN, DISPOSITION),
    _counter("dialer_abandoned_total", "Answered, and no operator in time.", CAMPAIGN),
    _counter("dialer_opt_outs_total", "People who pressed the key in the message.", CAMPAIGN),
    _gauge("dialer_calls", "Attempts that have not ended.", CAMPAIGN, ATTEMPT_STATE),
    _histogram("dialer_talk_seconds", "From bridge to end.", PERSON_S, CAMPAIGN),
    # pacing
    _counter(
        "dialer_pacing_bound_seconds_total",
        "Time for which this kept a campaign from launching more.",
        CAMPAIGN,
        BINDING,
    ),
    _gauge(
        "dialer_abandonment_ratio",
        "Abandoned / answered in the cap's window, as pacing reckons it.",
        CAMPAIGN,
    ),
    _gauge("dialer_abandonment_cap_ratio", "The campaign's cap on that ratio.", CAMPAIGN),
    _gauge(
        "dialer_pacing_price_ratio",
        "Price of risk: the chance of being lost up to which a call is launched.",
        CAMPAIGN,
    ),
    _gauge(
        "dialer_pacing_answer_rate_ratio", "Share of calls that are answered, now.", CAMPAIGN
    ),
    _gauge(
        "dialer_pacing_abandoned_predicted",
        "Drops that the launch risks of answered calls add up to, since the start.",
        CAMPAIGN,
    ),
    _gauge("dialer_pacing_abandoned_real", "Real drops since the start.", CAMPAIGN),
    _gauge(
        "dialer_pacing_budget_left_drops",
        "Drops that the cap's window can still bear; below 0: overdrawn.",
        CAMPAIGN,
    ),
    _gauge(
        "dialer_pacing_abandonment_bound_ratio",
        "Certified upper bound of the abandonment rate; 1: too few answers to say.",
        CAMPAIGN,
    ),
    _histogram("dialer_pacing_decision_seconds", "One decision of a group.", TURN_S),
    _counter(
        "dialer_pacing_fallbacks_total",
        "Decisions or estimates thrown away: dialed progressively for half a minute.",
        CAMPAIGN,
        FALLBACK,
    ),
    _gauge(
        "dialer_pacing_distrusted", "1 while dialed progressively after a defect.", CAMPAIGN
    ),
    _counter("dialer_pacing_cancelled_total", "Ringing calls given up by pacing.", CAMPAIGN),
    _counter(
        "dialer_pacing_stale_calls_total",
        "Launches dropped because the stores took longer than the decision holds.",
        CAMPAIGN,
    ),
    _counter("dialer_pacing_diary_dropped_total", "Moments that no diary holds."),
    _counter("dialer_pacing_diary_bytes_total", "Diary of pacing written, before packing."),
    _gauge(
        "dialer_persistence_calls",
        "What came of a campaign's calls in 30 days; most_tries: of one person.",
        CAMPAIGN,
        PERSISTENCE,
    ),
    _gauge(
        "dialer_persistence_pace_ratio",
        "Share of its pace at which the limits of persistence let it dial; 0: not at all.",
        CAMPAIGN,
    ),
    _gauge(
        "dialer_budget_used_ratio",
        "Used of the campaign's budget of the day, open calls with what they reserve.",
        CAMPAIGN,
        BUDGET,
    ),
    _gauge("dialer_gate_shut", "1 while nothing may be launched for this reason.", REASON),
    _gauge("dialer_pool_used_ratio", "Calls charged today / hard limits of the pool.", POOL),
    _gauge("dialer_pool_calls_left", "Calls that the hard limits still allow today.", POOL),
    # gateways
    _gauge(
        "dialer_gateway_up", "1 while calls may go out by it: up, and not resting.", GATEWAY
    ),
    _gauge("dialer_gateway_calls", "Calls on it that have not ended.", GATEWAY),
    _gauge("dialer_gateway_calls_limit", "Its calls_at_once.", GATEWAY),
    _counter(
        "dialer_gateway_attempts_ended_total",
        "Attempts by gateway and result.",
        GATEWAY,
        DISPOSITION,
    ),
    _counter(
        "dialer_gateway_packets_total",
        "RTP of its talks as the switch counted it.",
        GATEWAY,
        PACKETS,
    ),
    _histogram(
        "dialer_gateway_jitter_seconds",
        "Highest jitter of each talk of 2 s and more.",
        JITTER_S,
        GATEWAY,
    ),
    _counter(
        "dialer_gateway_sound_faults_total",
        "Talks of 2 s and more whose sound was at fault.",
        GATEWAY,
        SOUND_FAULT,
    ),
    # operators and the hand-over
    _gauge("dialer_operators", "Operators by state.", GROUP, OPERATOR_STATE),
    _histogram("dialer_hand_over_seconds", "From answer to bridge.", HAND_OVER_S),
    _counter("dialer_offers_failed_total", "Hand-overs that came to nothing.", WHY),
    _counter("dialer_rescues_total", "Hand-overs looked after because no bridge came."),
    _histogram("dialer_wrapup_seconds", "From the end of a talk to ready.", PERSON_S, GROUP),
    _gauge("dialer_supervisions", "Supervisors' phones with an operator, or being called."),
    # recordings
    _counter("dialer_recordings_started_total", "Recordings that the switch began.", CAMPAIGN),
    _counter("dialer_recordings_failed_total", "Talks without their recording.", NOT_RECORDED),
    _counter("dialer_recorded_bytes_total", "Recordings that are kept."),
    _counter("dialer_recordings_deleted_total", "Recordings whose time was over."),
    _gauge("dialer_recordings_free_bytes", "Free in the folder of recordings."),
    _gauge("dialer_recordings_used_bytes", "Recordings in the folder, at the last look."),
    _gauge("dialer_recordings_unsealed", "Recordings that could not be sealed or rotated."),
    _gauge("dialer_recordings_trouble", "1 while nothing can be recorded."),
    # the switch
    _counter("dialer_switch_events_total", "Events of the switch by kind.", KIND),
    _counter("dialer_events_unknown_total", "Events of nobody that we know.", KIND),
    _histogram("dialer_switch_event_lag_seconds", "From the event to its handling.", QUICK_S),
    _histogram("dialer_switch_command_seconds", "Commands until their reply.", QUICK_S, VERB),
    _gauge("dialer_switch_up", "1 while the event socket is connected."),
    _gauge("dialer_switch_usable", "1 while connected and events flow; else nothing goes out."),
    _counter("dialer_switch_reconnects_total", "Connections to the event socket made anew."),
    _counter("dialer_effects_unsure_total", "Commands without an answer.", EFFECT),
    # repair
    _counter("dialer_reconcile_differences_total", "Differences to the switch.", KIND),
    _histogram("dialer_reconcile_sweep_seconds", "One whole look at the switch.", QUICK_S),
    _gauge("dialer_reconcile_missing_legs", "Legs not found at the last sweep."),
    _gauge("dialer_reconcile_oldest_seconds", "Age of the oldest difference not repaired."),
    _counter("dialer_caller_stops_total", "People who called back and pressed 9."),
    _gauge("dialer_troubles", "What a person should mend while dialing goes on.", TROUBLE),
    _counter("dialer_leases_expired_total", "Leases of dead daemons that were resolved."),
    _counter("dialer_table_violations_total", "Events that the state tables forbid.", MACHINE),
    # the stores
    _counter("dialer_store_errors_total", "Failed uses of a store.", STORE),
    _histogram("dialer_store_seconds", "Uses of a store by verb.", QUICK_S, STORE, VERB),
    _counter("dialer_hopper_rebuilds_total", "Rebuilds after Redis lost its data."),
    _gauge("dialer_outbox_items", "Results not yet written.", STORE),
    _gauge("dialer_outbox_age_seconds", "Age of the oldest result not yet written.", STORE),
    _gauge("dialer_clock_offset_seconds", "Another clock minus ours.", AGAINST),
    _gauge(
        "dialer_retention_age_seconds", "Since any daemon has last done the day's retention."
    ),
    _counter("dialer_retention_rows_total", "Rows that retention deleted.", RETAINED),
    _counter(
        "dialer_words_replayed_total",
        "Said again from the journal because the database was restored.",
        WORD,
    ),
    # the daemon
    _histogram("dialer_dispatcher_turn_seconds", "One turn of the dispatcher.", TURN_S),
    _gauge("dialer_dispatcher_backlog", "Events waiting for the dispatcher."),
    _counter("dialer_reloads_total", "Reloads of the configuration by result.", RELOAD),
    _gauge("dialer_reload_refused", "1 while the files are not what the daemon runs by."),
    _counter("dialer_import_rows_total", "Imported rows by result.", ROW),
)

METRICS: Mapping[str, Metric] = {metric.name: metric for metric in _ALL}
