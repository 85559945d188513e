-- name: wake(campaign, at, most)
-- Postponed entries whose time has come go back to their places in the order. Those of one
-- instant wake in that order, so that what is not yet woken stands behind what is; hot ones wait
-- for nobody. Where the head is full already a quarter is enough. The campaign is no join: the
-- indexes have the order, and a million that are ripe are not sorted for a few.
WITH campaign AS MATERIALIZED (
    SELECT c.id FROM campaigns AS c WHERE c.name = :campaign::text
), hot AS (
    SELECT q.contact_id, q.campaign_id
    FROM queue_entries AS q
    WHERE q.campaign_id = (SELECT id FROM campaign) AND q.state = 'waiting' AND q.tier = 0
        AND q.due_at <= :at::timestamptz
    ORDER BY q.due_at
    LIMIT :most::integer
    FOR NO KEY UPDATE OF q SKIP LOCKED
), ripe AS (
    SELECT q.contact_id, q.campaign_id
    FROM queue_entries AS q
    WHERE q.campaign_id = (SELECT id FROM campaign) AND q.state = 'waiting'
        AND q.due_at <= :at::timestamptz
    ORDER BY q.due_at, q.tier, q.score DESC, q.position
    LIMIT (
        SELECT CASE WHEN count(*) < :most::integer THEN :most::integer
            ELSE 1 + :most::integer / 4 END
        FROM (
            SELECT FROM queue_entries AS d
            WHERE d.campaign_id = (SELECT id FROM campaign) AND d.state = 'due'
            LIMIT :most::integer
        ) AS head)
    FOR NO KEY UPDATE OF q SKIP LOCKED
)
UPDATE queue_entries AS q SET state = 'due', held_reason = NULL
FROM (SELECT * FROM hot UNION SELECT * FROM ripe) AS r
WHERE q.contact_id = r.contact_id AND q.campaign_id = r.campaign_id;

-- name: due(campaign, rules, sticky, at, most)
-- The head of the queue in its order, each with the first reason against it and its history.
WITH head AS MATERIALIZED (
    SELECT q.contact_id, q.phone_id, q.tier, q.score, q.position, q.rounds_failed
    FROM queue_entries AS q
    WHERE q.campaign_id = (SELECT c.id FROM campaigns AS c WHERE c.name = :campaign::text)
        AND q.state = 'due'
    ORDER BY q.tier, q.score DESC, q.position
    LIMIT :most::integer
), rules AS MATERIALIZED (
    SELECT jsonb_populate_record(NULL::permission_rules, :rules::jsonb) AS r
)
SELECT h.contact_id, h.phone_id, h.tier, h.score, h.position, h.rounds_failed, c.windows,
    c.region, a.zones, a.region, a.reason, a.until, a.tries_today, a.tries_week, a.tries_month,
    a.talks_today, a.uncharged_today, a.last_try_on, a.dead_attempts, a.dead_days,
    a.dead_gateways, a.unavailable_attempts,
    CASE WHEN :sticky::boolean THEN (
        SELECT t.number FROM attempts AS t
        WHERE t.contact_id = h.contact_id AND t.number_charged
        ORDER BY t.committed_at DESC LIMIT 1) END,
    CASE WHEN a.uncharged_today > 0 THEN ARRAY(
        SELECT DISTINCT t.gateway FROM attempts AS t
        WHERE t.phone_id = h.phone_id AND NOT t.charged
            AND t.disposition IN ('carrier_failure', 'carrier_refused', 'codec_failure',
                'routing_failure')
            AND t.committed_at > :at::timestamptz - interval '1 hour') END,
    c.segment
FROM rules CROSS JOIN head AS h
JOIN contacts AS c ON c.id = h.contact_id
CROSS JOIN LATERAL permission_of(
    h.contact_id, h.phone_id, rules.r, :at::timestamptz) AS a
ORDER BY h.tier, h.score DESC, h.position;

-- name: postpone(campaign, contacts, reasons, until)
-- Held back until then; the place in the order is kept.
UPDATE queue_entries AS q
SET state = 'waiting', held_reason = t.reason, due_at = t.until
FROM unnest(:contacts::bigint[], :reasons::text[], :until::timestamptz[])
    AS t (contact_id, reason, until)
WHERE q.contact_id = t.contact_id AND q.state IN ('due', 'waiting')
    AND q.campaign_id = (SELECT c.id FROM campaigns AS c WHERE c.name = :campaign::text);

-- name: stale_scores(campaign, at, most)
-- Entries whose score may have changed by now, with what the rules look at.
SELECT q.contact_id, c.status, c.source, c.region, c.segment, c.tags, c.last_contact_at,
    c.added_at, c.fields
FROM queue_entries AS q
JOIN contacts AS c ON c.id = q.contact_id
WHERE q.campaign_id = (SELECT s.id FROM campaigns AS s WHERE s.name = :campaign::text)
    AND q.rescore_at <= :at::timestamptz AND q.state IN ('due', 'waiting')
ORDER BY q.rescore_at
LIMIT :most::integer
FOR NO KEY UPDATE OF q SKIP LOCKED;

-- name: set_scores(campaign, contacts, scores, next_changes)
-- Scores as of now, each with the instant of its next change.
UPDATE queue_entries AS q
SET score = t.score, rescore_at = t.next_change
FROM unnest(:contacts::bigint[], :scores::integer[], :next_changes::timestamptz[])
    AS t (contact_id, score, next_change)
WHERE q.contact_id = t.contact_id
    AND q.campaign_id = (SELECT c.id FROM campaigns AS c WHERE c.name = :campaign::text);
