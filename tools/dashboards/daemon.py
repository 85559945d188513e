"""The page of the daemon's health: whether it sees, writes and keeps up."""

from __future__ import annotations

from dashboards.panels import Dashboard, Row, Variable, line, q, quantiles, stat

I = '{instance=~"$instance"}'  # noqa: E741

DAEMON = Dashboard(
    name="daemon",
    title="Dialer: daemon health",
    about="Whether the daemon sees, writes and keeps up.",
    variables=(Variable(label="instance", metric="dialer_build_info"),),
    rows=(
        Row(
            title="Well?",
            panels=(
                line(
                    "What holds everything back",
                    "Empty is well. Each reason has its paragraph in the runbook.",
                    q(f"max by (reason) (dialer_gate_shut{I}) == 1", "{{reason}}"),
                    width=12,
                    height=6,
                    stacked=True,
                    quiet=True,
                ),
                line(
                    "To be mended while dialing goes on",
                    "Empty is well. dialer status says with whom, and the remedy.",
                    q(f"sum by (kind) (dialer_troubles{I}) > 0", "{{kind}}"),
                    width=12,
                    height=6,
                    stacked=True,
                    quiet=True,
                ),
                stat(
                    "Event socket",
                    "Connected.",
                    q(f"min(dialer_switch_up{I})"),
                    words=((0.0, "cut", "red"), (1.0, "connected", "green")),
                    height=6,
                ),
                stat(
                    "Recording",
                    "Whether talks can be recorded, where it is asked for.",
                    q(f"max(dialer_recordings_trouble{I})"),
                    words=((0.0, "fine", "green"), (1.0, "not possible", "red")),
                    height=6,
                    quiet=True,
                ),
                stat(
                    "Switch",
                    "Connected, and events flow.",
                    q(f"min(dialer_switch_usable{I})"),
                    words=((0.0, "blind", "red"), (1.0, "sees", "green")),
                    height=6,
                ),
                stat(
                    "Results not written",
                    "Results that wait for a store.",
                    q(f"sum(dialer_outbox_items{I})"),
                    height=6,
                ),
                stat(
                    "Running for",
                    "Since the last start.",
                    q(f"min(time() - process_start_time_seconds{I})"),
                    unit="s",
                    height=6,
                ),
            ),
        ),
        Row(
            title="The switch",
            panels=(
                line(
                    "Events: made to handled",
                    "Past 0.5 s hand-overs suffer: the switch is overloaded, or another client "
                    "of the event socket does not read.",
                    *quantiles("dialer_switch_event_lag_seconds", I),
                    unit="s",
                ),
                line(
                    "Commands until their reply, 99 of 100",
                    "By command.",
                    q(
                        "histogram_quantile(0.99, sum by (le, verb) (rate("
                        f"dialer_switch_command_seconds_bucket{I}[$__rate_interval])))",
                        "{{verb}}",
                    ),
                    unit="s",
                ),
                line(
                    "Events a second",
                    "By kind.",
                    q(
                        "sum by (kind) (rate(dialer_switch_events_total"
                        f"{I}[$__rate_interval]))",
                        "{{kind}}",
                    ),
                    stacked=True,
                ),
                line(
                    "Differences that a sweep repaired, an hour",
                    "After a restart or a cut link some are normal; steadily without one: "
                    "events are lost.",
                    q(
                        "3600 * sum by (kind) (rate(dialer_reconcile_differences_total"
                        f"{I}[5m]))",
                        "{{kind}}",
                    ),
                    quiet=True,
                ),
                line(
                    "Legs not found, and for how long",
                    "Gone at the next look as a rule.",
                    q(f"sum(dialer_reconcile_missing_legs{I})", "legs"),
                    q(f"max(dialer_reconcile_oldest_seconds{I})", "oldest, s"),
                ),
                line(
                    "One sweep",
                    "Each 20 s, and after each connection before anything is dialed.",
                    *quantiles("dialer_reconcile_sweep_seconds", I),
                    unit="s",
                ),
            ),
        ),
        Row(
            title="Recordings",
            panels=(
                line(
                    "Room",
                    "Free in the folder, and what the recordings take.",
                    q(f"min(dialer_recordings_free_bytes{I})", "free"),
                    q(f"max(dialer_recordings_used_bytes{I})", "used"),
                    unit="bytes",
                    quiet=True,
                ),
                line(
                    "Recordings, an hour",
                    "Begun, deleted when their time was over, and talks without one.",
                    q(
                        "3600 * sum(rate(dialer_recordings_started_total[$__rate_interval]))",
                        "begun",
                    ),
                    q(f"3600 * sum(rate(dialer_recordings_deleted_total{I}[15m]))", "deleted"),
                    q(
                        f"3600 * sum by (why) (rate(dialer_recordings_failed_total{I}[15m]))",
                        "not recorded: {{why}}",
                    ),
                    quiet=True,
                ),
                line(
                    "Not sealed",
                    "Recordings that could not be sealed, or brought under the first key.",
                    q(f"max(dialer_recordings_unsealed{I})", "not sealed"),
                    quiet=True,
                ),
                line(
                    "Kept, bytes a second",
                    "How fast the folder grows.",
                    q(f"sum(rate(dialer_recorded_bytes_total{I}[15m]))", "kept"),
                    unit="bytes",
                    quiet=True,
                ),
            ),
        ),
        Row(
            title="Retention",
            panels=(
                line(
                    "Hours since it was last done",
                    "By any daemon of the base. It runs daily, in a quiet hour.",
                    q("min(dialer_retention_age_seconds) / 3600", "hours"),
                    quiet=True,
                ),
                line(
                    "Rows deleted in a day",
                    "Whose time was over, by kind of data.",
                    q("sum by (kind) (increase(dialer_retention_rows_total[1d]))", "{{kind}}"),
                    stacked=True,
                    quiet=True,
                ),
            ),
        ),
        Row(
            title="The stores",
            panels=(
                line(
                    "PostgreSQL by verb, 99 of 100",
                    "commit_intents stands before each call.",
                    q(
                        "histogram_quantile(0.99, sum by (le, verb) (rate("
                        'dialer_store_seconds_bucket{instance=~"$instance", '
                        'store="postgresql"}[$__rate_interval])))',
                        "{{verb}}",
                    ),
                    unit="s",
                ),
                line(
                    "Redis by verb, 99 of 100",
                    "claim stands before each call.",
                    q(
                        "histogram_quantile(0.99, sum by (le, verb) (rate("
                        'dialer_store_seconds_bucket{instance=~"$instance", '
                        'store="redis"}[$__rate_interval])))',
                        "{{verb}}",
                    ),
                    unit="s",
                ),
                line(
                    "Results that wait",
                    "For seconds it is normal; if it stays a store is slow or away.",
                    q(f"sum by (store) (dialer_outbox_items{I})", "{{store}}"),
                    q(f"max by (store) (dialer_outbox_age_seconds{I})", "oldest, s, {{store}}"),
                ),
                line(
                    "Failed uses, a minute",
                    "By store.",
                    q(
                        f"60 * sum by (store) (rate(dialer_store_errors_total{I}[5m]))",
                        "{{store}}",
                    ),
                ),
                line(
                    "Clocks apart",
                    "0.5 s: alarm; 2 s: nothing new is dialed.",
                    q(f"dialer_clock_offset_seconds{I}", "{{against}} {{instance}}"),
                    unit="s",
                    lowest=None,
                    steps=((None, "red"), (-0.5, "green"), (0.5, "red")),
                ),
                line(
                    "Repairs in the stores, an hour",
                    "Rebuilds after a loss of Redis; leases that dead daemons left; stops and "
                    "erasures that a restored backup did not know.",
                    q(f"sum(increase(dialer_hopper_rebuilds_total{I}[1h]))", "rebuilds"),
                    q(f"sum(increase(dialer_leases_expired_total{I}[1h]))", "leases"),
                    q(
                        f"sum(increase(dialer_words_replayed_total{I}[1h]))",
                        "people's words said again after a restore",
                    ),
                ),
            ),
        ),
        Row(
            title="The process",
            panels=(
                line(
                    "One turn of the dispatcher",
                    "Past some milliseconds it delays hand-overs.",
                    *quantiles("dialer_dispatcher_turn_seconds", I),
                    unit="s",
                ),
                line(
                    "Events that wait for the dispatcher",
                    "Growing: fewer calls for this daemon, or a second one.",
                    q(f"max by (instance) (dialer_dispatcher_backlog{I})", "{{instance}}"),
                ),
                line(
                    "Processor",
                    "1 = one core; the daemon has one, and no more.",
                    q(
                        "rate(process_cpu_seconds_total"
                        '{job="dialer", instance=~"$instance"}[$__rate_interval])',
                        "{{instance}}",
                    ),
                    unit="percentunit",
                    steps=((None, "green"), (0.8, "red")),
                ),
                line(
                    "Memory",
                    "Resident.",
                    q(
                        'process_resident_memory_bytes{job="dialer", instance=~"$instance"}',
                        "{{instance}}",
                    ),
                    unit="bytes",
                ),
                line(
                    "One decision of pacing",
                    "Of a whole group. Over 0.1 s three times running: dialed progressively "
                    "for half a minute.",
                    *quantiles("dialer_pacing_decision_seconds", I),
                    unit="s",
                ),
                line(
                    "Diary of pacing, bytes a second",
                    "What dialer replay reads. Dropped moments: the disk does not keep up.",
                    q(
                        f"sum(rate(dialer_pacing_diary_bytes_total{I}[$__rate_interval]))",
                        "written",
                    ),
                    q(
                        f"sum(increase(dialer_pacing_diary_dropped_total{I}[5m]))",
                        "moments dropped in five minutes",
                    ),
                ),
                line(
                    "What should never happen, an hour",
                    "Tell us of each: keep the log around it.",
                    q(
                        f"3600 * sum by (machine) (rate(dialer_table_violations_total{I}[5m]))",
                        "forbidden by the table: {{machine}}",
                    ),
                    q(
                        f"3600 * sum by (effect) (rate(dialer_effects_unsure_total{I}[5m]))",
                        "command without an answer: {{effect}}",
                    ),
                    q(
                        f"3600 * sum by (kind) (rate(dialer_events_unknown_total{I}[5m]))",
                        "event of nobody: {{kind}}",
                    ),
                ),
                line(
                    "Reloads, links, imports",
                    "What was done to it, in an hour.",
                    q(
                        f"sum by (result) (increase(dialer_reloads_total{I}[1h]))",
                        "reload {{result}}",
                    ),
                    q(f"sum(increase(dialer_switch_reconnects_total{I}[1h]))", "connections"),
                    q(
                        f"sum by (result) (increase(dialer_import_rows_total{I}[1h]))",
                        "rows {{result}}",
                    ),
                ),
            ),
        ),
    ),
)
