"""The campaign's page: why it dials as it does, and what comes of it."""

from __future__ import annotations

from dashboards.campaign_reasons import LIMITS, PACING
from dashboards.panels import GREEN_TO_RED, Dashboard, Row, Variable, line, q, quantiles, stat

C = '{campaign=~"$campaign"}'

CAMPAIGN = Dashboard(
    name="campaign",
    title="Dialer: campaign",
    about="Why a campaign dials as it does, and what comes of it.",
    variables=(Variable(label="campaign", metric="dialer_campaign_active"),),
    rows=(
        Row(
            title="Now",
            panels=(
                stat(
                    "Talking",
                    "Customers who talk with an operator.",
                    q('sum(dialer_calls{campaign=~"$campaign", state="talking"})'),
                ),
                stat(
                    "On the way out",
                    "Calls being set up or ringing.",
                    q(
                        'sum(dialer_calls{campaign=~"$campaign", '
                        'state=~"claimed|dialing|ringing"})'
                    ),
                ),
                stat(
                    "Waiting for an operator",
                    "Answered, nobody with them yet. Each has at most the campaign's silence "
                    "before the message begins.",
                    q('sum(dialer_calls{campaign=~"$campaign", state=~"waiting|offered"})'),
                    steps=((None, "green"), (1.0, "orange"), (5.0, "red")),
                ),
                stat(
                    "Abandoned, of the cap",
                    "1 = the cap is reached: from there on one call per free operator.",
                    q(f"max(dialer_abandonment_ratio{C} / dialer_abandonment_cap_ratio{C})"),
                    unit="percentunit",
                    steps=GREEN_TO_RED,
                ),
                stat(
                    "Answered of dialed, 15 min",
                    "The answer rate that pacing works with.",
                    q("avg(campaign:dialer_answered:ratio_rate15m" + C + ")"),
                    unit="percentunit",
                ),
                stat(
                    "Ready in the hopper",
                    "Contacts that may be called now. 0 with operators free: the list is "
                    "dialed out, or everybody is held back: dialer plan says why.",
                    q(f"sum(max by (campaign) (dialer_hopper_entries{C}))"),
                ),
            ),
        ),
        Row(
            title="Why it does not dial more",
            panels=(
                line(
                    "What bound the last decisions",
                    "Share of time for which each cause kept the campaign from launching more. "
                    "operators_busy is the aim; the runbook has a line for each.",
                    q(
                        "sum by (binding) (rate(dialer_pacing_bound_seconds_total"
                        f"{C}[$__rate_interval]))",
                        "{{binding}}",
                    ),
                    width=12,
                    stacked=True,
                    unit="percentunit",
                ),
                line(
                    "Wanted and not made, by reason",
                    "Calls that pacing wanted and a limit held back, a minute.",
                    q(
                        "60 * sum by (reason) (rate(dialer_held_back_total"
                        f"{C}[$__rate_interval]))",
                        "{{reason}}",
                    ),
                    width=12,
                    stacked=True,
                    quiet=True,
                ),
                line(
                    "Abandoned against the cap",
                    "Over the cap's window. Dashed at the top: the cap itself.",
                    q(
                        f"max by (campaign) (dialer_abandonment_ratio{C})",
                        "{{campaign}}",
                    ),
                    q(
                        f"max by (campaign) (dialer_abandonment_cap_ratio{C})",
                        "cap of {{campaign}}",
                    ),
                    unit="percentunit",
                ),
                line(
                    "Refused at the last moment",
                    "Claimed, and refused by the ledger when the call was to be committed: "
                    "stops, consents, caps, the number's hard limit.",
                    q(
                        "60 * sum by (answer) (rate(dialer_intents_total"
                        '{campaign=~"$campaign", answer!="committed"}[$__rate_interval]))',
                        "{{answer}}",
                    ),
                    stacked=True,
                    quiet=True,
                ),
                line(
                    "Put off when found due",
                    "Contacts whose hour or limit it is not, by reason, a minute.",
                    q(
                        "60 * sum by (reason) (rate(dialer_postponed_total"
                        f"{C}[$__rate_interval]))",
                        "{{reason}}",
                    ),
                    stacked=True,
                    quiet=True,
                ),
            ),
        ),
        PACING,
        LIMITS,
        Row(
            title="The walk of a contact",
            panels=(
                line(
                    "Stages, a minute",
                    "Found due, claimed, committed, answered, talked. Where the lines part, "
                    "contacts are lost to the stage between.",
                    *(
                        q(f"60 * sum(rate({metric}[$__rate_interval]))", word)
                        for metric, word in (
                            (f"dialer_claims_total{C}", "claimed"),
                            (
                                'dialer_intents_total{campaign=~"$campaign", '
                                'answer="committed"}',
                                "committed and dialed",
                            ),
                            (f"dialer_answered_total{C}", "answered"),
                            (f"dialer_talk_seconds_count{C}", "talked"),
                            (f"dialer_abandoned_total{C}", "abandoned"),
                        )
                    ),
                ),
                line(
                    "Calls by state",
                    "adrift: out of sight after a lost link, until the next sweep.",
                    q(f"sum by (state) (dialer_calls{C})", "{{state}}"),
                    stacked=True,
                ),
                line(
                    "Hopper",
                    "Refilled from the ledger when half of its 1,000 places are free.",
                    q(f"max by (campaign) (dialer_hopper_entries{C})", "{{campaign}}"),
                ),
            ),
        ),
        Row(
            title="What comes of it",
            panels=(
                line(
                    "Endings in five minutes",
                    "Every attempt has exactly one.",
                    q(
                        f"sum by (disposition) (increase(dialer_attempts_ended_total{C}[5m]))",
                        "{{disposition}}",
                    ),
                    width=12,
                    stacked=True,
                    bars=True,
                ),
                line(
                    "Until the answer, s",
                    "From the originate. Below 4 s for most: an IVR or a machine answers.",
                    *quantiles("dialer_ring_seconds", C),
                    unit="s",
                    width=6,
                ),
                line(
                    "Length of talks",
                    "From bridge to end.",
                    *quantiles("dialer_talk_seconds", C),
                    unit="s",
                    width=6,
                ),
            ),
        ),
    ),
)
