"""The ledger's promises, held against a real PostgreSQL."""
