-- Switches, the operators' log, the audit, the clock.

-- name: lock_halt_alone()
-- Waits for the intents that are being committed; those that come wait for us.
SELECT pg_advisory_xact_lock(1751215220);

-- name: set_switch(name, engaged, by, at)!
-- A switch that stands so already keeps who set it, and when.
INSERT INTO switches AS s (name, engaged, changed_at, changed_by)
VALUES (:name::text, :engaged::boolean, :at::timestamptz, :by::text)
ON CONFLICT (name) DO UPDATE
SET engaged = excluded.engaged, changed_at = excluded.changed_at,
    changed_by = excluded.changed_by
WHERE s.engaged IS DISTINCT FROM excluded.engaged;

-- name: read_switch(name)
-- Who set it, and when, for the status.
SELECT engaged, changed_by, changed_at FROM switches WHERE name = :name::text;

-- name: clock()
-- The server's clock, not the transaction's.
SELECT extract(epoch FROM clock_timestamp())::double precision;

-- name: log_operators(at, instances, operators, states, reasons)
-- One row per change of state.
INSERT INTO operator_log (at, instance, operator, state, reason)
SELECT * FROM unnest(:at::timestamptz[], :instances::text[], :operators::text[],
    :states::text[], :reasons::text[]);

-- name: add_audit(at, who, what, subject, details)!
-- Append-only.
INSERT INTO audit (at, who, what, subject, details)
VALUES (:at::timestamptz, :who::text, :what::text, :subject::text, :details::jsonb);

-- name: set_phone_state(phone, state, reason, at)!
-- By hand; in a transaction that holds the phone's lock.
UPDATE phones SET state = :state::text, state_reason = :reason::text,
    state_at = :at::timestamptz,
    dead_attempts = CASE WHEN :state::text = 'active' THEN 0 ELSE dead_attempts END,
    dead_days = CASE WHEN :state::text = 'active' THEN '{}' ELSE dead_days END,
    dead_gateways = CASE WHEN :state::text = 'active' THEN '{}' ELSE dead_gateways END,
    unavailable_attempts =
        CASE WHEN :state::text = 'active' THEN 0 ELSE unavailable_attempts END
WHERE id = :phone::bigint AND state <> :state::text;

-- name: return_entries(phone, at, reason)
-- The entries that rest because of their phone are due again, each in its place.
WITH returned AS (
    UPDATE queue_entries SET state = 'waiting', due_at = :at::timestamptz, rounds_failed = 0
    WHERE contact_id IN (
            SELECT contact_id FROM contact_phones WHERE phone_id = :phone::bigint)
        AND phone_id = :phone::bigint AND state IN ('archive', 'review')
    RETURNING campaign_id, contact_id, phone_id
)
INSERT INTO list_moves (at, campaign, contact_id, phone_id, moved_to, reason)
SELECT :at::timestamptz, c.name, r.contact_id, r.phone_id, 'queue', :reason::text
FROM returned AS r JOIN campaigns AS c ON c.id = r.campaign_id;
