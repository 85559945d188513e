"""Tests say what a user would lose if they failed."""
