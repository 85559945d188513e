-- For the journal of people's words beside the database (docs/personal-data.md).
-- Phones of which a restored base knows only the digest: their number comes with the next list.
CREATE INDEX phones_without_digits ON phones (lookup_key)
    WHERE digits = '' AND state = 'active';
