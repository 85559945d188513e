"""Whole daemons as processes, broken on purpose; the books must balance after."""
