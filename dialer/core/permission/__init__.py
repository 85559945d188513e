"""May this phone be called now? `Allowed(grounds)` or `Denied(why, until)`, by one function.

The same rules run set-wise in SQL (`ledger`: who is due) and once more inside the statement
that commits an attempt; tests hold the three against each other. `reasons` names every
refusal.
"""
