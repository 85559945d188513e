"""Tests; see docs/architecture.md, section 7."""
