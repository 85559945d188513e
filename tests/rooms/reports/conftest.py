"""The ledger's own test base (a migrated PostgreSQL, emptied before each test)."""

from __future__ import annotations

from tests.contract.ledger.conftest import dsn, ledger, migrated_dsn, world

__all__ = ["dsn", "ledger", "migrated_dsn", "world"]
