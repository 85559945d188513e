"""The page of gateways and numbers: what is up, how calls end there, what is left today."""

from __future__ import annotations

from dashboards.panels import GREEN_TO_RED, UP, Dashboard, Row, Variable, line, q, quantiles

W = '{gateway=~"$gateway"}'
P = '{pool=~"$pool"}'

LINES = Dashboard(
    name="lines",
    title="Dialer: gateways and numbers",
    about="Which ways out are up, how they end calls, and how much is left of our numbers.",
    variables=(
        Variable(label="gateway", metric="dialer_gateway_up"),
        Variable(label="pool", metric="dialer_pool_used_ratio"),
    ),
    rows=(
        Row(
            title="Gateways",
            panels=(
                line(
                    "Up, or resting",
                    "Down: the switch says so, or five calls in a row failed at the carrier "
                    "and it rests for 15 to 300 s.",
                    q(f"min by (gateway) (dialer_gateway_up{W})", "{{gateway}}"),
                    kind="state-timeline",
                    words=UP,
                    steps=((None, "red"), (1.0, "green")),
                ),
                line(
                    "Calls at once, of the limit",
                    "At 1 its calls_at_once binds.",
                    q(
                        f"sum by (gateway) (dialer_gateway_calls{W}) / "
                        f"sum by (gateway) (dialer_gateway_calls_limit{W})",
                        "{{gateway}}",
                    ),
                    unit="percentunit",
                ),
                line(
                    "Originates a second",
                    "Against calls_per_s of gateway and switch.",
                    q(
                        "sum by (gateway) (rate(dialer_originates_total"
                        f"{W}[$__rate_interval]))",
                        "{{gateway}}",
                    ),
                    q(
                        "sum by (gateway) (rate(dialer_originates_refused_total"
                        f"{W}[$__rate_interval]))",
                        "refused by the switch, {{gateway}}",
                    ),
                ),
                line(
                    "Endings by gateway, in five minutes",
                    "Many carrier_refused: balance, or a caller ID that is not allowed. Many "
                    "local_failure: the name is not FreeSWITCH's. unknown: tell us.",
                    q(
                        "sum by (gateway, disposition) (increase("
                        f"dialer_gateway_attempts_ended_total{W}[5m]))",
                        "{{gateway}} {{disposition}}",
                    ),
                    width=12,
                    stacked=True,
                    bars=True,
                ),
                line(
                    "Reached somebody",
                    "Talked, or hung up within seconds, or abandoned: share of all endings. A "
                    "gateway that falls below the others blocks calls, or its numbers are "
                    "marked as spam.",
                    q(f"gateway:dialer_reached:ratio_rate15m{W}", "{{gateway}}"),
                    width=6,
                    unit="percentunit",
                ),
                line(
                    "Failed at the carrier or at us",
                    "Above a few percent the carrier has a word to say.",
                    q(f"gateway:dialer_failed:ratio_rate10m{W}", "{{gateway}}"),
                    width=6,
                    unit="percentunit",
                ),
            ),
        ),
        Row(
            title="Sound",
            panels=(
                line(
                    "Packets lost on the way to us",
                    "From 1 % on people complain. Of talks of 2 s and more.",
                    q(
                        "sum by (gateway) (rate(dialer_gateway_packets_total"
                        '{gateway=~"$gateway", packets="lost"}[15m])) / sum by (gateway) (rate('
                        'dialer_gateway_packets_total{gateway=~"$gateway", '
                        'packets="received"}[15m]))',
                        "{{gateway}}",
                    ),
                    unit="percentunit",
                ),
                line(
                    "Highest jitter of a call",
                    "From 30 ms on it is heard.",
                    *quantiles("dialer_gateway_jitter_seconds", W),
                    unit="s",
                ),
                line(
                    "Calls at fault, an hour",
                    "heard_nothing, sent_nothing: sound in one direction only.",
                    q(
                        "3600 * sum by (gateway, fault) (rate("
                        f"dialer_gateway_sound_faults_total{W}[15m]))",
                        "{{gateway}} {{fault}}",
                    ),
                    quiet=True,
                ),
            ),
        ),
        Row(
            title="Our numbers",
            panels=(
                line(
                    "Called back and pressed 9, an hour",
                    "People who called one of our numbers and are never called again.",
                    q("3600 * sum(rate(dialer_caller_stops_total[15m]))", "stops"),
                ),
                line(
                    "Used of the hard limits today",
                    "At 0.8 there should be more numbers, or fewer calls; at 1 nothing goes "
                    "out until midnight in the numbers' zone.",
                    q(f"max by (pool) (dialer_pool_used_ratio{P})", "{{pool}}"),
                    width=12,
                    unit="percentunit",
                    highest=1.0,
                    steps=GREEN_TO_RED,
                ),
                line(
                    "Calls that the limits still allow today",
                    "And where it will be in an hour, if the last hour goes on.",
                    q(f"min by (pool) (dialer_pool_calls_left{P})", "{{pool}}"),
                    q(
                        f"min by (pool) (predict_linear(dialer_pool_calls_left{P}[1h], 3600))",
                        "{{pool}} in an hour",
                    ),
                    width=12,
                    lowest=None,
                ),
            ),
        ),
    ),
)
