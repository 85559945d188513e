-- What a forecast asks of a campaign's past; nothing here writes. Spans bound attempts by the
-- instant of their intent. Attempts that we gave up, or that never reached a person's line, say
-- nothing of how often people answer and are left out.

-- name: past_hours(campaign, since, until, zone)
-- By day and hour in `zone`: calls that reached a line, answered ones, machines among them.
SELECT (committed_at AT TIME ZONE :zone::text)::date AS day,
    extract(hour FROM committed_at AT TIME ZONE :zone::text)::integer AS hour,
    count(*), count(*) FILTER (WHERE answered_at IS NOT NULL),
    count(*) FILTER (WHERE disposition = 'machine')
FROM attempts
WHERE campaign = :campaign::text AND ended_at IS NOT NULL
    AND committed_at >= :since::timestamptz AND committed_at < :until::timestamptz
    AND disposition NOT IN ('cancelled', 'carrier_refused', 'carrier_failure', 'codec_failure',
        'routing_failure', 'local_failure', 'lost', 'blocked')
GROUP BY 1, 2 ORDER BY 1, 2;

-- name: past_endings(campaign, since, until)
-- What calls came to, first tries and later ones apart; given up by us left out.
SELECT coalesce(disposition, ''), tier > 1, count(*),
    count(*) FILTER (WHERE answered_at IS NOT NULL),
    count(*) FILTER (WHERE answered_at IS NULL AND rang_at IS NULL)
FROM attempts
WHERE campaign = :campaign::text AND ended_at IS NOT NULL AND disposition <> 'cancelled'
    AND committed_at >= :since::timestamptz AND committed_at < :until::timestamptz
GROUP BY 1, 2 ORDER BY 1, 2;

-- name: past_durations(campaign, since, until, most)
-- Of the latest answered calls: day, dial to ring, ring to answer, wait, talk (null: none),
-- operator, and whether a machine spoke.
SELECT committed_at::date, extract(epoch FROM rang_at - dialed_at)::double precision,
    extract(epoch FROM answered_at - coalesce(rang_at, dialed_at))::double precision,
    wait_ms / 1000.0::double precision, talk_ms / 1000.0::double precision, operator,
    disposition
FROM attempts
WHERE campaign = :campaign::text AND ended_at IS NOT NULL AND answered_at IS NOT NULL
    AND committed_at >= :since::timestamptz AND committed_at < :until::timestamptz
ORDER BY committed_at DESC
LIMIT :most::integer;

-- name: past_wrapups(campaign, since, until, most)
-- How long wrap-up lasted after talks, of operators who talked in this campaign.
WITH own AS (
    SELECT DISTINCT operator FROM attempts
    WHERE campaign = :campaign::text AND operator IS NOT NULL
        AND committed_at >= :since::timestamptz AND committed_at < :until::timestamptz
), spans AS (
    SELECT l.state, l.at, lead(l.at) OVER (PARTITION BY l.operator ORDER BY l.at, l.id) AS left_at
    FROM operator_log AS l JOIN own USING (operator)
    WHERE l.at >= :since::timestamptz AND l.at < :until::timestamptz
)
SELECT extract(epoch FROM left_at - at)::double precision FROM spans
WHERE state = 'wrapup' AND left_at IS NOT NULL
ORDER BY at DESC LIMIT :most::integer;

-- name: past_presence(campaign, since, until)
-- Seconds of the campaign's operators in each state.
WITH own AS (
    SELECT DISTINCT operator FROM attempts
    WHERE campaign = :campaign::text AND operator IS NOT NULL
        AND committed_at >= :since::timestamptz AND committed_at < :until::timestamptz
), spans AS (
    SELECT l.state, l.at, lead(l.at) OVER (PARTITION BY l.operator ORDER BY l.at, l.id) AS left_at
    FROM operator_log AS l JOIN own USING (operator)
    WHERE l.at >= :since::timestamptz AND l.at < :until::timestamptz
)
SELECT state, sum(extract(epoch FROM left_at - at))::double precision, count(*) FROM spans
WHERE left_at IS NOT NULL
GROUP BY state ORDER BY state;

-- name: queue_by_zone(campaign, zone, at)
-- Whom the campaign may still dial: by the first zone of the phone, first tries and repeats,
-- failed rounds, and in how many hours they are due (0: now). Held back for good is apart.
SELECT coalesce(p.zones[1], :zone::text), q.tier > 1, q.rounds_failed,
    CASE WHEN q.state <> 'waiting' THEN 0
        WHEN q.due_at = 'infinity' THEN -1
        ELSE greatest(0, ceil(extract(epoch FROM q.due_at - :at::timestamptz) / 3600.0))
    END::integer,
    count(*)
FROM queue_entries AS q
JOIN campaigns AS c ON c.id = q.campaign_id
JOIN phones AS p ON p.id = q.phone_id
WHERE c.name = :campaign::text AND q.state IN ('due', 'waiting', 'dialing')
GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4;
