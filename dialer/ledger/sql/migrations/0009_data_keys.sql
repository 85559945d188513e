-- Keys under which personal text was ever sealed (ledger/vault.py): never the keys, only whether
-- the one that goes by a name is the same. A key is retired when nothing is sealed under it.
CREATE TABLE data_keys (
    id text PRIMARY KEY,
    proof bytea NOT NULL,
    since timestamptz NOT NULL,
    retired_at timestamptz
);
COMMENT ON COLUMN phones.digits IS 'sealed for the row of this lookup_key; see ledger/vault.py';
