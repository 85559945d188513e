"""What a campaign will do before it is started: the core that dials, in virtual time.

`world` is one shift: an event heap on which simulated callers, operators and carriers meet the
core's own decisions (`pace`), pairing (core/calls/acd.py), rounds, hours and numbers (`feed`,
`pool`). `scenario` is what is true there; `families` and `scenario_file` make worlds for
`dialer simulate`; `assumptions` and `fitting` make them of a campaign's history for `dialer
forecast`, `runs` asks many seeds and `outcome` says what they came to. Beside `reports`: it
knows core and ports only. Everything is a function of its arguments and a seed.
"""
