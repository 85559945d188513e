"""The ground: pure decisions. Values and `now` in, values and reasons out.

No I/O, no clock, no chance, no log, no gevent. One folder a field: `calls` (the line), `pacing`
(how many and when), `numbers` (the number shown), `permission` (may this phone be called now),
`base` (the contact's life). The fields know each other only through `model`.
"""
