"""How many calls go out, and when: `decide(mode, observation) -> Decision(launch, cancel,
why)`.

`observation` is what a policy sees and what it answers; `progressive` and `power` are the
policies, one file each, joined by name in `decide`; `budget` is the abandonment cap's ledger;
`throttle` the token buckets; `breaker` rests a failing gateway; `balance` counts an operator
of several groups once. Predictive pacing (docs: pacing.md) is an issue of its own: a further
policy file and a further row in `decide.POLICIES`, with its estimates beside it.
"""
