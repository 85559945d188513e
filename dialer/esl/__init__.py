"""FreeSWITCH by its event socket; the only user of greenswitch.

framing     bytes -> frames, JSON bodies -> mappings; pure
link        one connection: deadlines, order of replies, one place that writes
commands    typed values -> command text; the one place that builds dial strings; pure
translate   the switch's headers -> SwitchEvent, FoundLeg; pure
reconcile   what we believe against what exists -> differences; pure
originates  which jobs and legs we have asked for
pulse       do events flow, does the switch answer?
keeper      keeps two links up, ticks, wakes, tells when the switch is lost or blind
switch      ports.Switch on top of all that
"""
