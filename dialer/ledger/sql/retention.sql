-- What retention deletes, kind by kind; attempts leave nobody's counters behind.

-- name: campaign_names()
-- All that ever dialed.
SELECT name FROM campaigns ORDER BY id;

-- name: old_attempts(campaign, before, after, presets, since, most)
-- Ended and older; not what a law orders to keep by the preset under which it was made, nor while
-- its recording is kept.
SELECT a.id, a.committed_at FROM attempts AS a
LEFT JOIN unnest(:presets::text[], :since::timestamptz[]) AS l (preset, since)
    ON l.preset = a.grounds ->> 'preset'
WHERE a.campaign = :campaign::text AND a.committed_at < :before::timestamptz
    AND a.committed_at >= coalesce(:after::timestamptz, '-infinity') AND a.ended_at IS NOT NULL
    AND (l.since IS NULL OR a.committed_at < l.since)
    AND NOT EXISTS (
        SELECT FROM recordings AS r
        WHERE r.attempt_id = a.id AND r.state IN ('started', 'kept'))
ORDER BY a.committed_at LIMIT :most::bigint;

-- name: count_attempts(before, presets, since)
-- How many of them there are.
SELECT count(*) FROM attempts AS a
LEFT JOIN unnest(:presets::text[], :since::timestamptz[]) AS l (preset, since)
    ON l.preset = a.grounds ->> 'preset'
WHERE a.committed_at < :before::timestamptz AND a.ended_at IS NOT NULL
    AND (l.since IS NULL OR a.committed_at < l.since)
    AND NOT EXISTS (
        SELECT FROM recordings AS r
        WHERE r.attempt_id = a.id AND r.state IN ('started', 'kept'));

-- name: count_locked(before, presets, since)
-- Older attempts that stay by law, by campaign.
SELECT a.campaign, count(*), min(a.committed_at) FROM attempts AS a
JOIN unnest(:presets::text[], :since::timestamptz[]) AS l (preset, since)
    ON l.preset = a.grounds ->> 'preset'
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

-- name: delete_list_moves(before, most)!
-- Where a contact went and why.
DELETE FROM list_moves WHERE id IN (
    SELECT id FROM list_moves WHERE at < :before::timestamptz LIMIT :most::bigint);

-- name: count_operator_log(before)
-- How many would go.
SELECT count(*) FROM operator_log WHERE at < :before::timestamptz;

-- name: delete_operator_log(before, most)!
-- Changes of operators' states.
DELETE FROM operator_log WHERE id IN (
    SELECT id FROM operator_log WHERE at < :before::timestamptz LIMIT :most::bigint);

-- name: count_merged_rows(before)
-- How many would go.
SELECT count(*) FROM merges WHERE at < :before::timestamptz;

-- name: delete_merged_rows(before, most)!
-- Rows that became part of a card: afterwards they cannot be split off again.
DELETE FROM merges WHERE id IN (
    SELECT id FROM merges WHERE at < :before::timestamptz LIMIT :most::bigint);

-- name: count_contacts(before)
-- Cards that nobody has touched since then and of which no attempt or recording is left.
SELECT count(*) FROM contacts AS c
WHERE greatest(c.added_at, c.last_contact_at, c.updated_at) < :before::timestamptz
    AND c.erased_at IS NULL
    AND NOT EXISTS (SELECT FROM attempts AS a WHERE a.contact_id = c.id)
    AND NOT EXISTS (SELECT FROM recordings AS r WHERE r.contact_id = c.id AND r.state <> 'deleted')
    AND NOT EXISTS (SELECT FROM contact_phones AS h JOIN consents AS k
            ON k.phone_id = h.phone_id AND k.contact_id IN (0, c.id)
        WHERE h.contact_id = c.id AND k.given_at >= :before::timestamptz);

-- name: old_contacts(after, before, most)
-- The same among the next `most` cards: (the last id looked at, their ids, their phones).
WITH looked AS MATERIALIZED (
    SELECT c.* FROM contacts AS c WHERE c.id > :after::bigint ORDER BY c.id LIMIT :most::bigint
), old AS MATERIALIZED (
    SELECT c.id FROM looked AS c
    WHERE greatest(c.added_at, c.last_contact_at, c.updated_at) < :before::timestamptz
        AND c.erased_at IS NULL
        AND NOT EXISTS (SELECT FROM attempts AS a WHERE a.contact_id = c.id)
        AND NOT EXISTS (
            SELECT FROM recordings AS r WHERE r.contact_id = c.id AND r.state <> 'deleted')
        AND NOT EXISTS (SELECT FROM contact_phones AS h JOIN consents AS k
                ON k.phone_id = h.phone_id AND k.contact_id IN (0, c.id)
            WHERE h.contact_id = c.id AND k.given_at >= :before::timestamptz)
)
SELECT (SELECT max(id) FROM looked), ARRAY(SELECT id FROM old ORDER BY 1), ARRAY(
    SELECT DISTINCT phone_id FROM contact_phones
    WHERE contact_id IN (SELECT id FROM old) ORDER BY 1);

-- name: delete_old_contacts(ids, before)!
-- Asked again under their locks: nobody may have dialed or changed them meanwhile.
DELETE FROM contacts AS c WHERE c.id = ANY(:ids::bigint[])
    AND greatest(c.added_at, c.last_contact_at, c.updated_at) < :before::timestamptz
    AND NOT EXISTS (SELECT FROM attempts AS a WHERE a.contact_id = c.id);

-- name: forget_phones(ids)!
-- Numbers that stand on no card any more and that nobody has stopped: the digest is left, and the
-- digits come back with the next list that has them.
UPDATE phones AS p
SET digits = '', kind = NULL, region = NULL, carrier = NULL, zones = '{}'
WHERE p.id = ANY(:ids::bigint[]) AND p.digits <> '' AND p.state = 'active'
    AND NOT EXISTS (SELECT FROM contact_phones AS h WHERE h.phone_id = p.id)
    AND NOT EXISTS (SELECT FROM attempts AS a WHERE a.phone_id = p.id)
    AND NOT EXISTS (SELECT FROM complaints AS k WHERE k.phone_id = p.id)
    AND NOT EXISTS (SELECT FROM stops AS s WHERE s.phone_id = p.id AND s.removed_at IS NULL);

-- name: released_attempts(at, most)
-- Of erased people: their law's time is over.
SELECT id FROM attempts WHERE held_until <= :at::timestamptz
ORDER BY held_until LIMIT :most::bigint;

-- name: delete_held_consents(at, most)!
-- The same.
DELETE FROM consents WHERE (phone_id, contact_id, purpose, given_at) IN (
    SELECT phone_id, contact_id, purpose, given_at FROM consents
    WHERE held_until <= :at::timestamptz LIMIT :most::bigint);

-- name: delete_erased_cards(at, most)!
-- What is left of erased people's cards, once nothing of them is held.
DELETE FROM contacts WHERE id IN (
    SELECT c.id FROM contacts AS c
    WHERE c.erased_at <= :at::timestamptz
        AND NOT EXISTS (SELECT FROM attempts AS a WHERE a.contact_id = c.id)
        AND NOT EXISTS (SELECT FROM consents AS k WHERE k.contact_id = c.id)
        AND NOT EXISTS (
            SELECT FROM recordings AS r WHERE r.contact_id = c.id AND r.state <> 'deleted')
    LIMIT :most::bigint);

-- name: held()
-- What is kept of erased people: kind, campaign (of a consent: its purpose), ground, rows, the
-- first and the last end.
SELECT 'attempts', campaign, held_ground, count(*), min(held_until), max(held_until)
FROM attempts WHERE held_until IS NOT NULL GROUP BY 1, 2, 3
UNION ALL
SELECT 'recordings', campaign, held_ground, count(*), min(keep_until), max(keep_until)
FROM recordings WHERE held_ground IS NOT NULL AND state <> 'deleted' GROUP BY 1, 2, 3
UNION ALL
SELECT 'consents', purpose, held_ground, count(*), min(held_until), max(held_until)
FROM consents WHERE held_until IS NOT NULL GROUP BY 1, 2, 3
ORDER BY 1, 2, 3;

-- name: last_run()
-- The latest day that is done, and when it was; before the first: since when a run is missed.
SELECT max(day) FILTER (WHERE done_at IS NOT NULL), coalesce(max(done_at), (
    SELECT applied_at FROM migrations WHERE name = '0014_retention_runs'))
FROM retention_runs;

-- name: begin_run(day, instance, at, lease_until)
-- A row where this day's run is ours: nobody has it, or who had it has died.
INSERT INTO retention_runs AS r (day, instance, begun_at, lease_until)
VALUES (:day::date, :instance::text, :at::timestamptz, :lease_until::timestamptz)
ON CONFLICT (day) DO UPDATE SET instance = excluded.instance, lease_until = excluded.lease_until
WHERE r.done_at IS NULL
    AND (r.instance = excluded.instance OR r.lease_until < excluded.begun_at)
RETURNING day;

-- name: end_run(day, at, rows)!
-- All of it is done.
UPDATE retention_runs SET done_at = :at::timestamptz, rows = :rows::jsonb
WHERE day = :day::date AND done_at IS NULL;
