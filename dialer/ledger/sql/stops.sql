-- Each runs in a transaction that holds the phone's lock.

-- name: add_stop(phone, category, scope, scope_value, at, expires_at, origin)
-- A wish that is in force already is not written again.
INSERT INTO stops (phone_id, category, scope, scope_value, added_at, expires_at, origin)
SELECT :phone::bigint, :category::text, :scope::text, :scope_value::text, :at::timestamptz,
    :expires_at::timestamptz, :origin::text
WHERE NOT EXISTS (
    SELECT FROM stops AS s
    WHERE s.phone_id = :phone::bigint AND s.removed_at IS NULL AND s.category = :category::text
        AND s.scope = :scope::text AND s.scope_value IS NOT DISTINCT FROM :scope_value::text
        AND (s.expires_at IS NULL OR s.expires_at >= :expires_at::timestamptz));

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

-- name: is_stopped(phone, at)
-- Is any wish of this phone's owner in force?
SELECT EXISTS (
    SELECT FROM stops AS s
    WHERE s.phone_id = :phone::bigint AND s.removed_at IS NULL
        AND (s.expires_at IS NULL OR s.expires_at > :at::timestamptz));

-- name: remove_stops(phone, at)!
-- The person has changed his mind: all wishes in force end.
UPDATE stops SET removed_at = :at::timestamptz
WHERE phone_id = :phone::bigint AND removed_at IS NULL;

-- name: stops_since(seq, most)
-- For a sync: the stops that came after `seq`, in the order in which they came.
SELECT seq, phone_id, category, scope, scope_value, added_at, expires_at, removed_at, origin
FROM stops WHERE seq > :seq::bigint ORDER BY seq LIMIT :most::integer;

-- name: add_consent(phone, contact, purpose, given_at, expires_at, text_version, evidence, source)!
-- The same consent twice is one.
INSERT INTO consents (phone_id, contact_id, purpose, given_at, expires_at, text_version,
    evidence, source)
VALUES (:phone::bigint, coalesce(:contact::bigint, 0), :purpose::text, :given_at::timestamptz,
    :expires_at::timestamptz, :text_version::text, :evidence::text, :source::text)
ON CONFLICT (phone_id, contact_id, purpose, given_at) DO NOTHING;

-- name: withdraw_consents(phone, purpose, at)!
-- All that were given for this phone (and purpose, or NULL = every purpose) until now. A consent
-- that an import brings later with an older date does not revive.
UPDATE consents SET withdrawn_at = :at::timestamptz
WHERE phone_id = :phone::bigint AND withdrawn_at IS NULL
    AND (:purpose::text IS NULL OR purpose = :purpose::text);

-- name: look_again(phone, at)
-- Entries that were held back for this phone's sake are looked at again at once.
UPDATE queue_entries SET due_at = :at::timestamptz
WHERE state = 'waiting'
    AND held_reason IN ('stop', 'consent_missing', 'consent_withdrawn', 'consent_expired',
        'archived', 'in_review')
    AND contact_id IN (SELECT contact_id FROM contact_phones WHERE phone_id = :phone::bigint);
