"""Questions to the ledger -> frozen values -> terminal, JSON, one self-contained HTML page.

`asked` makes a campaign's report, `planned` says what would be dialed now, `rehearsed` sums up
a demo; `shares` is how a percentage is said, `twice` reads the switch's own record.
"""
