-- For the journal of people's words beside the database (docs/personal-data.md).
-- Phones of which a restored base knows only the digest: their number comes with the next list.
CREATE INDEX phones_without_digits ON phones (lookup_key)
    WHERE digits = '' AND state = 'active';

-- Evidence of consents and summaries of talks are sealed, too; rotation goes by this id.
ALTER TABLE consents ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY;
CREATE UNIQUE INDEX consents_by_id ON consents (id);
COMMENT ON COLUMN consents.evidence IS 'sealed for purpose and given_at; see ledger/consents.py';
COMMENT ON COLUMN attempts.summary IS 'sealed for the id; see ledger/endings.py';
