"""The simulated world: private servers for demo and tests, and a switch with its people.

`event_socket.SimulatedSwitch` speaks FreeSWITCH's event-socket protocol on loopback; behind it
are `exchange` (channels), `originate`, `legs`, `hand_over` (what channels do), `behaviour` and
`world` (what people, carriers and phones do, by seed) and `record` (the independent witness).
"""
