"""The line: state tables, causes, outcome, pairing."""
