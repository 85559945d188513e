"""The operators' page: who is busy, who waits, how fast a customer reaches one."""

from __future__ import annotations

from dashboards.panels import Dashboard, Row, Variable, line, q, quantiles, stat

G = '{group=~"$group"}'

OPERATORS = Dashboard(
    name="operators",
    title="Dialer: operators",
    about="Who is busy, who waits, and how fast a customer reaches an operator.",
    variables=(Variable(label="group", metric="dialer_operators"),),
    rows=(
        Row(
            title="Now",
            panels=(
                *(
                    stat(
                        title,
                        why,
                        q(f'sum(dialer_operators{{group=~"$group", state=~"{states}"}})'),
                    )
                    for title, why, states in (
                        ("Ready", "Free for the next customer.", "ready"),
                        ("Talking", "With a customer.", "talking"),
                        ("Wrap-up", "After a talk.", "wrapup"),
                        ("Paused", "By themselves, or after a failed hand-over.", "paused"),
                    )
                ),
                stat(
                    "Without a phone",
                    "redialed: his phone is being called; adrift: out of sight. More than a "
                    "minute of either is wrong.",
                    q('sum(dialer_operators{group=~"$group", state=~"redialed|adrift"})'),
                    steps=((None, "green"), (1.0, "orange")),
                ),
                stat(
                    "Occupancy",
                    "Talking and wrap-up of those who could work.",
                    q(f"avg(group:dialer_operators:occupancy{G})"),
                    unit="percentunit",
                ),
            ),
        ),
        Row(
            title="Time",
            panels=(
                line(
                    "Operators by state",
                    "An operator of two groups counts in both.",
                    q(
                        'sum by (state) (dialer_operators{group=~"$group", state!="offline"})',
                        "{{state}}",
                    ),
                    width=12,
                    stacked=True,
                ),
                line(
                    "Occupancy by group",
                    "Talking and wrap-up / all but offline and paused.",
                    q(f"group:dialer_operators:occupancy{G}", "{{group}}"),
                    width=6,
                    unit="percentunit",
                    highest=1.0,
                ),
                line(
                    "Wrap-up",
                    "From the end of a talk to ready. The shorter, the fewer customers wait.",
                    *quantiles("dialer_wrapup_seconds", G),
                    width=6,
                    unit="s",
                ),
            ),
        ),
        Row(
            title="Hand-over",
            panels=(
                line(
                    "From answer to bridge",
                    "2 s is the bound; past the campaign's silence the message begins.",
                    *quantiles("dialer_hand_over_seconds", ""),
                    width=8,
                    unit="s",
                    steps=((None, "green"), (1.0, "orange"), (2.0, "red")),
                ),
                line(
                    "Within 0.5 s and within 2 s",
                    "Share of hand-overs.",
                    q(
                        'sum(rate(dialer_hand_over_seconds_bucket{le="0.5"}[$__rate_interval]))'
                        " / sum(rate(dialer_hand_over_seconds_count[$__rate_interval]))",
                        "0.5 s",
                    ),
                    q(
                        'sum(rate(dialer_hand_over_seconds_bucket{le="2.0"}[$__rate_interval]))'
                        " / sum(rate(dialer_hand_over_seconds_count[$__rate_interval]))",
                        "2 s",
                    ),
                    width=8,
                    unit="percentunit",
                    highest=1.0,
                ),
                line(
                    "Hand-overs that needed help, an hour",
                    "A few are people who hang up in that very moment.",
                    q("3600 * sum(rate(dialer_rescues_total[5m]))", "looked after"),
                    q(
                        "3600 * sum by (why) (rate(dialer_offers_failed_total[5m]))",
                        "failed: {{why}}",
                    ),
                    q("3600 * sum(rate(dialer_recordings_failed_total[5m]))", "not recorded"),
                    width=8,
                ),
                line(
                    "Supervisors with an operator",
                    "Listening, whispering or in the talk.",
                    q("sum(dialer_supervisions)", "supervisors"),
                    width=8,
                ),
            ),
        ),
    ),
)
