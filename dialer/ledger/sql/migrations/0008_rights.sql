-- The audit as a chain: each row holds the digest of itself and of the one before it, so that a row
-- changed or taken out behind the program's back is found (dialer audit verify).
ALTER TABLE audit ADD COLUMN link bigint UNIQUE, ADD COLUMN hash bytea;
CREATE TABLE audit_chain (
    last_link bigint NOT NULL,
    hash bytea NOT NULL,
    single boolean PRIMARY KEY DEFAULT true CHECK (single)
);

CREATE FUNCTION audit_hash(before bytea, r audit) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT sha256(before || convert_to(jsonb_build_array((r).link, extract(epoch FROM (r).at),
        (r).who, (r).what, (r).subject, (r).details)::text, 'UTF8'))
$$;

-- The chain's row is locked last of all, and only until the transaction's end.
CREATE FUNCTION link_audit() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    last audit_chain;
BEGIN
    INSERT INTO audit_chain (last_link, hash) VALUES (0, ''::bytea) ON CONFLICT DO NOTHING;
    SELECT * INTO last FROM audit_chain FOR UPDATE;
    NEW.link := last.last_link + 1;
    NEW.hash := audit_hash(last.hash, NEW);
    UPDATE audit_chain SET last_link = NEW.link, hash = NEW.hash;
    RETURN NEW;
END $$;
CREATE TRIGGER audit_is_a_chain BEFORE INSERT ON audit
    FOR EACH ROW EXECUTE FUNCTION link_audit();

-- What stays of erased attempts: nobody's counters.
CREATE TABLE erased_attempts (
    campaign text NOT NULL,
    day date NOT NULL, -- UTC
    disposition text NOT NULL,
    attempts integer NOT NULL,
    talk_ms bigint NOT NULL,
    PRIMARY KEY (campaign, day, disposition)
);
CREATE INDEX list_moves_by_phone ON list_moves (phone_id);
CREATE INDEX list_moves_by_contact ON list_moves (contact_id);
CREATE INDEX queue_entries_by_phone ON queue_entries (phone_id);
CREATE INDEX merges_by_split ON merges (split_into) WHERE split_into IS NOT NULL;
CREATE INDEX caller_stops_by_phone ON caller_stops (phone_id);
CREATE INDEX audit_by_subject ON audit (subject);
