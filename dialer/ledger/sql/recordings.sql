-- Recordings and supervisions.

-- name: save_recording(attempt, campaign, contact, operator, instance, path, state, failure, announced, at, keep_until)!
-- Begun, or not recorded; told again after a lost answer it changes nothing. The contact may
-- have been erased meanwhile.
INSERT INTO recordings (attempt_id, campaign, contact_id, operator, instance, path, state,
    failure, announced, started_at, keep_until)
VALUES (:attempt::uuid, :campaign::text,
    (SELECT id FROM contacts WHERE id = :contact::bigint), :operator::text, :instance::text,
    :path::text, :state::text, :failure::text, :announced::text, :at::timestamptz,
    :keep_until::timestamptz)
ON CONFLICT (attempt_id) DO NOTHING;

-- name: finish_recording(attempt, state, failure, at, duration_ms, bytes, sha256, sealed_under)!
-- What the file says after its end; only once. A key that was noted and not used stays noted.
UPDATE recordings
SET state = :state::text, failure = :failure::text, stopped_at = :at::timestamptz,
    duration_ms = :duration_ms::integer, bytes = :bytes::bigint, sha256 = :sha256::bytea,
    sealed_under = coalesce(:sealed_under::text, sealed_under),
    sealed_at = CASE WHEN :sealed_under::text IS NOT NULL THEN :at::timestamptz END
WHERE attempt_id = :attempt::uuid AND state = 'started';

-- name: note_sealing(attempts, key)!
-- From now on their files may need this key.
UPDATE recordings SET sealed_under = :key::text, sealed_at = NULL
WHERE attempt_id = ANY(:attempts::uuid[]) AND state IN ('started', 'kept');

-- name: note_sealed(attempts, key, at)!
-- They open under this key and no other, and nothing of them lies in clear.
UPDATE recordings SET sealed_under = :key::text, sealed_at = :at::timestamptz
WHERE attempt_id = ANY(:attempts::uuid[]) AND state = 'kept';

-- name: stale_recordings(instance, key, after, most)
-- Kept in this folder and in clear, half-way, or under another key than the first.
SELECT attempt_id::text, path FROM recordings
WHERE instance = :instance::text AND state = 'kept' AND attempt_id > :after::uuid
    AND (sealed_at IS NULL OR sealed_under <> :key::text)
ORDER BY attempt_id LIMIT :most::integer;

-- name: count_stale_recordings(key)
-- The same of every folder, and those that are being recorded under another key: how many.
SELECT instance, count(*) FROM recordings
WHERE state = 'kept' AND (sealed_at IS NULL OR sealed_under <> :key::text)
    OR state = 'started' AND sealed_under <> :key::text
GROUP BY 1 ORDER BY 1;

-- name: find_recording(attempt)
-- For whoever reads its file.
SELECT r.attempt_id::text, r.path, r.instance, r.state, r.campaign, r.sha256, a.phone_id
FROM recordings AS r LEFT JOIN attempts AS a ON a.id = r.attempt_id
WHERE r.attempt_id::text = lower(:attempt::text);

-- name: kept_recordings(instance, since)
-- All that should be there, the oldest first.
SELECT attempt_id::text, path, instance, state, campaign, sha256 FROM recordings
WHERE instance = :instance::text AND state = 'kept' AND started_at >= :since::timestamptz
ORDER BY started_at;

-- name: mask_recording(attempt, mask)!
-- One step more of its masking.
UPDATE recordings SET masks = masks || :mask::jsonb WHERE attempt_id = :attempt::uuid;

-- name: open_recordings(instance)
-- Begun and not finished, of this daemon.
SELECT attempt_id::text, path FROM recordings
WHERE instance = :instance::text AND state = 'started' ORDER BY started_at;

-- name: due_recordings(instance, at, most)
-- Those whose time is over, and those of people who were erased.
SELECT attempt_id::text, path, campaign, started_at, duration_ms, bytes, keep_until
FROM recordings
WHERE instance = :instance::text AND state IN ('kept', 'missing', 'not_recorded')
    AND (keep_until <= :at::timestamptz OR contact_id IS NULL AND held_ground IS NULL)
ORDER BY keep_until LIMIT :most::integer;

-- name: delete_recordings(attempts, by, at)
-- Their files are gone. Logged as one deed. Of erased people the row goes, too.
WITH of_erased AS (
    SELECT r.attempt_id FROM recordings AS r LEFT JOIN contacts AS c ON c.id = r.contact_id
    WHERE r.attempt_id = ANY(:attempts::uuid[]) AND (c.id IS NULL OR c.erased_at IS NOT NULL)
), wiped AS (
    DELETE FROM recordings WHERE attempt_id IN (SELECT attempt_id FROM of_erased)
    RETURNING attempt_id, bytes
), marked AS (
    UPDATE recordings
    SET state = 'deleted', deleted_at = :at::timestamptz, deleted_by = :by::text
    WHERE attempt_id = ANY(:attempts::uuid[]) AND state <> 'deleted'
        AND attempt_id NOT IN (SELECT attempt_id FROM of_erased)
    RETURNING attempt_id, bytes
), gone AS (
    SELECT * FROM wiped UNION ALL SELECT * FROM marked
), told AS (
    INSERT INTO audit (at, who, what, subject, details)
    SELECT :at::timestamptz, :by::text, 'recordings deleted', NULL,
        jsonb_build_object('recordings', count(*), 'bytes', coalesce(sum(bytes), 0))
    FROM gone HAVING count(*) > 0
)
SELECT count(*) FROM gone;

-- name: list_recordings(campaign, since, most)
-- The newest first; campaign NULL = all.
SELECT attempt_id::text, path, campaign, started_at, duration_ms, bytes, keep_until, state,
    failure, operator, contact_id, instance, encode(sha256, 'hex'), jsonb_array_length(masks),
    CASE WHEN sealed_at IS NOT NULL THEN sealed_under END
FROM recordings
WHERE (:campaign::text IS NULL OR campaign = :campaign::text)
    AND started_at >= :since::timestamptz
ORDER BY started_at DESC LIMIT :most::integer;

-- name: log_supervision(at, instance, leg, step, supervisor, operator, mode, attempt, detail)!
-- Append-only.
INSERT INTO supervisions (at, instance, leg, step, supervisor, operator, mode, attempt_id, detail)
VALUES (:at::timestamptz, :instance::text, :leg::uuid, :step::text, :supervisor::text,
    :operator::text, :mode::text, :attempt::uuid, :detail::text);
