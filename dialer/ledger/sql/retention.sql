-- What retention deletes, kind by kind; attempts leave nobody's counters behind.

-- name: old_attempts(before, names, locked, most)
-- Ended and older; not of a campaign whose law orders to keep it, nor while its recording is kept.
SELECT a.id FROM attempts AS a
LEFT JOIN unnest(:names::text[], :locked::timestamptz[]) AS l (campaign, since)
    ON l.campaign = a.campaign
WHERE a.committed_at < :before::timestamptz AND a.ended_at IS NOT NULL
    AND (l.since IS NULL OR a.committed_at < l.since)
    AND NOT EXISTS (
        SELECT FROM recordings AS r
        WHERE r.attempt_id = a.id AND r.state IN ('started', 'kept'))
LIMIT :most::bigint;

-- name: count_attempts(before, names, locked)
-- How many of them there are.
SELECT count(*) FROM attempts AS a
LEFT JOIN unnest(:names::text[], :locked::timestamptz[]) AS l (campaign, since)
    ON l.campaign = a.campaign
WHERE a.committed_at < :before::timestamptz AND a.ended_at IS NOT NULL
    AND (l.since IS NULL OR a.committed_at < l.since)
    AND NOT EXISTS (
        SELECT FROM recordings AS r
        WHERE r.attempt_id = a.id AND r.state IN ('started', 'kept'));

-- name: count_locked(before, names, locked)
-- Older attempts that stay by law, by campaign.
SELECT a.campaign, count(*), min(a.committed_at) FROM attempts AS a
JOIN unnest(:names::text[], :locked::timestamptz[]) AS l (campaign, since)
    ON l.campaign = a.campaign
WHERE a.committed_at < :before::timestamptz AND a.committed_at >= l.since
GROUP BY 1 ORDER BY 1;

-- name: count_recorded(before)
-- Older attempts that stay because their recording is kept.
SELECT count(*) FROM attempts AS a JOIN recordings AS r ON r.attempt_id = a.id
WHERE a.committed_at < :before::timestamptz AND r.state IN ('started', 'kept');

-- name: delete_attempts(ids)
-- They become counters in the same statement.
WITH gone AS (
    DELETE FROM attempts WHERE id = ANY(:ids::uuid[]) AND ended_at IS NOT NULL
    RETURNING campaign, committed_at, disposition, talk_ms
), counted AS (
    INSERT INTO erased_attempts AS e (campaign, day, disposition, attempts, talk_ms)
    SELECT campaign, (committed_at AT TIME ZONE 'UTC')::date, disposition, count(*),
        coalesce(sum(talk_ms), 0)
    FROM gone GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    ON CONFLICT (campaign, day, disposition) DO UPDATE
    SET attempts = e.attempts + excluded.attempts, talk_ms = e.talk_ms + excluded.talk_ms
)
SELECT count(*) FROM gone;

-- name: count_list_moves(before)
-- How many would go.
SELECT count(*) FROM list_moves WHERE at < :before::timestamptz;

-- name: delete_list_moves(before)!
-- Where a contact went and why.
DELETE FROM list_moves WHERE at < :before::timestamptz;

-- name: count_operator_log(before)
-- How many would go.
SELECT count(*) FROM operator_log WHERE at < :before::timestamptz;

-- name: delete_operator_log(before)!
-- Changes of operators' states.
DELETE FROM operator_log WHERE at < :before::timestamptz;

-- name: count_merged_rows(before)
-- How many would go.
SELECT count(*) FROM merges WHERE at < :before::timestamptz;

-- name: delete_merged_rows(before)!
-- Rows that became part of a card: afterwards they cannot be split off again.
DELETE FROM merges WHERE at < :before::timestamptz;
