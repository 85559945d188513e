"""The number shown: which of our own, under which limits, in which order (R1.2-R1.4, R1.9).

`choice` is the reference for the hopper's claim script, `limits` for the intent statement:
tests hold the three against each other.
"""
