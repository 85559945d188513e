-- Each runs in a transaction that holds the phone's lock; the counter's row is locked last.

-- name: add_stop(phone, channel, category, scope, scope_value, at, expires_at, origin)
-- The entry's number, and whether it is new: a wish that is in force already is not written again.
WITH known AS (
    SELECT s.seq FROM stops AS s
    WHERE s.phone_id = :phone::bigint AND s.removed_at IS NULL AND s.channel = :channel::text
        AND s.category = :category::text AND s.scope = :scope::text
        AND s.scope_value IS NOT DISTINCT FROM :scope_value::text
        AND (s.expires_at IS NULL OR s.expires_at >= :expires_at::timestamptz)
    ORDER BY s.seq LIMIT 1
), fresh AS (
    INSERT INTO stops (phone_id, channel, category, scope, scope_value, added_at, expires_at,
        origin)
    SELECT :phone::bigint, :channel::text, :category::text, :scope::text, :scope_value::text,
        :at::timestamptz, :expires_at::timestamptz, :origin::text
    WHERE NOT EXISTS (SELECT FROM known)
    RETURNING seq
), counted AS (
    INSERT INTO stop_counter AS c (last) SELECT 1 FROM fresh
    ON CONFLICT (single) DO UPDATE SET last = c.last + 1
    RETURNING last
), noted AS (
    INSERT INTO stop_changes (number, at, change, stop_seq, changed_by)
    SELECT counted.last, :at::timestamptz, 'added', fresh.seq, :origin::text
    FROM fresh CROSS JOIN counted
    RETURNING number
)
SELECT number, true FROM noted
UNION ALL
SELECT coalesce((SELECT min(n.number) FROM stop_changes AS n WHERE n.stop_seq = known.seq), 0),
    false
FROM known;

-- name: remove_stops(phone, channel, at, by)
-- The person has changed his mind: all wishes in force (on this channel, or NULL = on every) end.
WITH ended AS (
    UPDATE stops SET removed_at = :at::timestamptz
    WHERE phone_id = :phone::bigint AND removed_at IS NULL
        AND (:channel::text IS NULL OR channel = :channel::text)
    RETURNING seq
), counted AS (
    INSERT INTO stop_counter AS c (last)
    SELECT count(*) FROM ended HAVING count(*) > 0
    ON CONFLICT (single) DO UPDATE SET last = c.last + excluded.last
    RETURNING last
)
INSERT INTO stop_changes (number, at, change, stop_seq, changed_by)
SELECT counted.last - count(*) OVER () + row_number() OVER (ORDER BY ended.seq),
    :at::timestamptz, 'removed', ended.seq, :by::text
FROM ended CROSS JOIN counted;

-- name: attempt_of_key(attempt)
-- Whose message the key was pressed in.
SELECT phone_id, bridged_at IS NOT NULL FROM attempts WHERE id = :attempt::uuid;

-- name: note_opt_out(attempt)!
-- The attempt says it too, also where its result is in the books already.
UPDATE attempts SET opt_out_key = true WHERE id = :attempt::uuid AND NOT opt_out_key;

-- name: take_caller_stop(call, phone, at)
-- Once for each call: a row, or none where it was taken before.
INSERT INTO caller_stops (call_id, phone_id, taken_at)
VALUES (:call::uuid, :phone::bigint, :at::timestamptz)
ON CONFLICT (call_id) DO NOTHING
RETURNING phone_id;

-- name: known_caller_stops(calls)
-- Those that were taken before.
SELECT call_id::text FROM caller_stops WHERE call_id = ANY(:calls::uuid[]);

-- name: of_phone(phone)
-- Every wish about this phone, ended ones too.
SELECT category, channel, scope, scope_value, added_at, expires_at, removed_at, origin, seq
FROM stops WHERE phone_id = :phone::bigint ORDER BY seq;

-- name: is_stopped(phone, at)
-- Is any wish of this phone's owner in force?
SELECT EXISTS (
    SELECT FROM stops AS s
    WHERE s.phone_id = :phone::bigint AND s.removed_at IS NULL AND s.channel = 'phone'
        AND (s.expires_at IS NULL OR s.expires_at > :at::timestamptz));

-- name: open_calls(phones)
-- Calls that may be set up or ringing for these phones, and how long each may ring.
SELECT a.id::text, a.instance, a.committed_at,
    coalesce((c.definition ->> 'ring_timeout_s')::double precision, 60)
FROM attempts AS a LEFT JOIN campaigns AS c ON c.name = a.campaign
WHERE a.phone_id = ANY(:phones::bigint[]) AND a.ended_at IS NULL AND a.answered_at IS NULL;

-- name: look_again(phone, at)
-- Entries that were held back for this phone's sake are looked at again at once.
UPDATE queue_entries SET due_at = :at::timestamptz
WHERE state = 'waiting'
    AND held_reason IN ('stop', 'consent_missing', 'consent_withdrawn', 'consent_expired',
        'archived', 'in_review')
    AND contact_id IN (SELECT contact_id FROM contact_phones WHERE phone_id = :phone::bigint);
