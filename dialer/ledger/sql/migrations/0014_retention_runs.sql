-- Retention once a day by one of the daemons, and what a law orders to keep of an erased person.

-- A run of one day (of the configured zone). Whoever holds it renews `lease_until`; when he has
-- died half-way another goes on: what was deleted is deleted.
CREATE TABLE retention_runs (
    day date PRIMARY KEY,
    instance text NOT NULL,
    begun_at timestamptz NOT NULL,
    lease_until timestamptz NOT NULL,
    done_at timestamptz,
    rows jsonb NOT NULL DEFAULT '{}' -- by kind
);

-- Retention reads in the order of time. They are written in that order: BRIN costs nothing.
CREATE INDEX list_moves_by_time ON list_moves USING brin (at);
CREATE INDEX merges_by_time ON merges USING brin (at);

-- Held: the person was erased, a law (`held_ground`) orders to keep this row until then.
ALTER TABLE attempts ADD COLUMN held_until timestamptz, ADD COLUMN held_ground text;
ALTER TABLE consents ADD COLUMN held_until timestamptz, ADD COLUMN held_ground text;
ALTER TABLE recordings ADD COLUMN held_ground text; -- until: keep_until
CREATE INDEX attempts_held ON attempts (held_until) WHERE held_until IS NOT NULL;
CREATE INDEX consents_held ON consents (held_until) WHERE held_until IS NOT NULL;
CREATE INDEX recordings_held ON recordings (keep_until)
    WHERE held_ground IS NOT NULL AND state <> 'deleted';
-- What is left of the card of an erased person while something of him is held: an id.
ALTER TABLE contacts ADD COLUMN erased_at timestamptz;
CREATE INDEX contacts_erased ON contacts (erased_at) WHERE erased_at IS NOT NULL;
