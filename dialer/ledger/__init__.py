"""PostgreSQL, the truth (only user of psycopg): store.PostgresLedger implements the port.

One file per noun; its SQL stands in sql/NOUN.sql, named and described. `phones` alone reads and
writes the digits of called numbers. Every write is one transaction that a repetition leaves as
it was. Locks are taken in one order everywhere, so that no two writers wait for each other:
halt switch (advisory), phones by id, contacts by id, number days, queue entries.
"""
