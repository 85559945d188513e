"""How many calls go out, and when. Two doors, both pure:

`decide.decide(mode, observation) -> Decision(launch, cancel, why)` for one campaign;
`decide.decide_group(team, {campaign: (mode, observation)}) -> {campaign: Decision}` for all
campaigns that feed one group on one switch: one balance of operators, each with its own law,
price and cap. An `Observation` of a predictive campaign carries an `outlook`.

What the shell keeps, one mutable object per (campaign, switch), no clock inside:
`tracker.Tracker` takes `launched(risks, now_s)`, `answered/ended/cancelled(...)`,
`connected/abandoned/machine(...)`, `talk_ended/wrapup_ended(...)`, and gives `outlook(...)`, a
frozen value. It is made of `estimates.Estimates` (answers.py: level and shape of answering;
durations.py: talk, wrap-up; `to_json`/`from_json`), `price.Price`, `cap_ledger.CapLedger` (the
legal window), `stretch.Stretch` (last half hour) and `certificate.Certificate`.

`risk` is the sum over calls and operators, `predictive`, `progressive` and `power` are the
policies, `observation` the values and their sentence; `throttle` the token buckets, `breaker`
rests a failing gateway, `balance` counts an operator of several groups once.
"""
