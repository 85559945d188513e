"""The line: what happens on a call, what it means, and who talks to whom.

`events` happen, `effects` are ordered. `attempts` and `operators` are state tables with
`step(value, event, now) -> (value, effects)`; `acd` pairs waiting customers with ready
operators; `causes` turns the evidence of an ending into a disposition.
"""
