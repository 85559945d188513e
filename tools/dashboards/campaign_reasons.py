"""Rows of the campaign's page: what pacing reckons with, and what else holds the campaign."""

from __future__ import annotations

from dashboards.panels import Row, line, q

C = '{campaign=~"$campaign"}'

PACING = Row(
    title="What pacing reckons with",
    panels=(
        line(
            "Share of calls that are answered",
            "As it is believed now, over all calls in flight. A jump is believed within "
            "seconds.",
            q(
                f"avg by (campaign) (dialer_pacing_answer_rate_ratio{C})",
                "{{campaign}}",
            ),
            unit="percentunit",
        ),
        line(
            "Price of risk",
            "A call is launched while its chance of finding nobody is below it. It falls as "
            "the cap's budget is used up.",
            q(f"max by (campaign) (dialer_pacing_price_ratio{C})", "{{campaign}}"),
            unit="percentunit",
        ),
        line(
            "Drops that the window can still bear",
            "Of the cap's window (a day, as a rule). At 0 one call per free operator.",
            q(f"min by (campaign) (dialer_pacing_budget_left_drops{C})", "{{campaign}}"),
            lowest=None,
            steps=((None, "red"), (0.0, "green")),
        ),
        line(
            "Drops: predicted and real",
            "Since the start. Where the real ones run away from the predicted, the model "
            "misses something: operators who are not there, hand-overs that fail.",
            q(
                f"sum by (campaign) (dialer_pacing_abandoned_predicted{C})",
                "predicted, {{campaign}}",
            ),
            q(f"sum by (campaign) (dialer_pacing_abandoned_real{C})", "real, {{campaign}}"),
        ),
        line(
            "What can be certified",
            "The abandonment rate is below this with the confidence of the certificate, "
            "however often one looks. 100 %: too few answers to say anything.",
            q(
                f"max by (campaign) (dialer_pacing_abandonment_bound_ratio{C})",
                "{{campaign}}",
            ),
            unit="percentunit",
        ),
        line(
            "Ringing calls given up, and launches dropped, a minute",
            "Given up: too risky after 15 s of ringing. Dropped: the stores took longer than "
            "a decision holds.",
            q(
                "60 * sum by (campaign) (rate(dialer_pacing_cancelled_total"
                f"{C}[$__rate_interval]))",
                "given up, {{campaign}}",
            ),
            q(
                "60 * sum by (campaign) (rate(dialer_pacing_stale_calls_total"
                f"{C}[$__rate_interval]))",
                "dropped, {{campaign}}",
            ),
        ),
        line(
            "Dialed progressively after a defect",
            "1: decisions fail, take too long or are absurd; the log says which.",
            q(f"max by (campaign) (dialer_pacing_distrusted{C})", "{{campaign}}"),
            q(
                f"sum by (why) (increase(dialer_pacing_fallbacks_total{C}[5m]))",
                "thrown away in five minutes: {{why}}",
            ),
            highest=None,
        ),
    ),
)

LIMITS = Row(
    title="Persistence and money",
    panels=(
        line(
            "What came of 30 days",
            "Tries, talks, refusals, instant hang-ups and opt-outs of the campaign.",
            q(
                "max by (campaign, figure) (dialer_persistence_calls"
                '{campaign=~"$campaign", figure!="most_tries"})',
                "{{figure}}, {{campaign}}",
            ),
        ),
        line(
            "Pace that persistence allows",
            "100 %: within its limits. 0: it has asked people too often, and stands.",
            q(f"min by (campaign) (dialer_persistence_pace_ratio{C})", "{{campaign}}"),
            unit="percentunit",
            highest=1.0,
        ),
        line(
            "Budget of the day, used",
            "Calls and money, open calls with what they reserve. Empty: no budget was set.",
            q(
                f"max by (campaign, of) (dialer_budget_used_ratio{C})",
                "{{of}}, {{campaign}}",
            ),
            unit="percentunit",
            quiet=True,
        ),
        line(
            "Asked to be left in peace, an hour",
            "Pressed the key in the message.",
            q(
                f"3600 * sum by (campaign) (rate(dialer_opt_outs_total{C}[15m]))",
                "{{campaign}}",
            ),
            quiet=True,
        ),
        line(
            "Found due and put into the hopper, a minute",
            "Or brought up to date there.",
            q(
                f"60 * sum by (campaign) (rate(dialer_offered_total{C}[$__rate_interval]))",
                "{{campaign}}",
            ),
        ),
        line(
            "Cards, a minute",
            "Preview: shown to operators, started, skipped, or left waiting by them.",
            q(
                f"60 * sum by (answer) (rate(dialer_cards_total{C}[$__rate_interval]))",
                "{{answer}}",
            ),
            quiet=True,
        ),
    ),
)
