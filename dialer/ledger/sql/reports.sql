-- Questions of the reports; nothing here writes. A campaign of NULL asks over all campaigns;
-- since/until bound attempts by the instant of their intent.

-- name: dispositions(campaign, since, until)
-- Attempts that have ended, by what they came to.
SELECT disposition, count(*) FROM attempts
WHERE (:campaign::text IS NULL OR campaign = :campaign::text) AND ended_at IS NOT NULL
    AND committed_at >= :since::timestamptz AND committed_at < :until::timestamptz
GROUP BY disposition ORDER BY count(*) DESC, disposition;

-- name: totals(campaign, since, until)
-- Attempts, people, and the lengths of what they did.
SELECT count(*), count(*) FILTER (WHERE ended_at IS NULL),
    count(DISTINCT contact_id), count(DISTINCT phone_id),
    count(*) FILTER (WHERE charged AND ended_at IS NOT NULL),
    count(*) FILTER (WHERE answered_at IS NOT NULL),
    count(*) FILTER (WHERE disposition = 'talked'),
    count(*) FILTER (WHERE disposition = 'abandoned'),
    count(*) FILTER (WHERE short_answer),
    coalesce(sum(talk_ms), 0)::bigint,
    avg(ring_ms)::double precision, avg(wait_ms) FILTER (WHERE disposition = 'talked')
        ::double precision,
    count(*) FILTER (WHERE opt_out_key)
FROM attempts
WHERE (:campaign::text IS NULL OR campaign = :campaign::text)
    AND committed_at >= :since::timestamptz AND committed_at < :until::timestamptz;

-- name: calls_per_number(since_day, until_day)
-- Each number's days: what is charged, and its limit then.
SELECT number, day, dialed, hard_limit FROM number_days
WHERE day BETWEEN :since_day::date AND :until_day::date ORDER BY number, day;

-- name: numbers_of_campaign(campaign, since, until)
-- The numbers that a campaign has shown: attempts, charged, answered, talks.
SELECT number, count(*), count(*) FILTER (WHERE number_charged),
    count(*) FILTER (WHERE answered_at IS NOT NULL),
    count(*) FILTER (WHERE disposition = 'talked')
FROM attempts
WHERE (:campaign::text IS NULL OR campaign = :campaign::text)
    AND committed_at >= :since::timestamptz AND committed_at < :until::timestamptz
GROUP BY number ORDER BY number;

-- name: queue_states(campaign)
-- All entries by state and, where they wait, by reason.
SELECT q.state, CASE WHEN q.state = 'waiting' THEN coalesce(q.held_reason, 'retry_later') END,
    q.tier, count(*)
FROM queue_entries AS q JOIN campaigns AS c ON c.id = q.campaign_id
WHERE c.name = :campaign::text
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;

-- name: rounds(campaign)
-- How many entries have so many failed rounds behind them.
SELECT q.rounds_failed, count(*)
FROM queue_entries AS q JOIN campaigns AS c ON c.id = q.campaign_id
WHERE c.name = :campaign::text AND q.state <> 'off_list'
GROUP BY 1 ORDER BY 1;

-- name: list_moves(campaign, since, until)
-- Moves off the list and back, by target and reason.
SELECT moved_to, reason, count(*) FROM list_moves
WHERE (:campaign::text IS NULL OR campaign = :campaign::text)
    AND at >= :since::timestamptz AND at < :until::timestamptz
GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2;

-- name: hours(campaign, since, until, zone)
-- By hour of the day in `zone`: attempts, answered, talks, abandoned.
SELECT date_trunc('hour', committed_at AT TIME ZONE :zone::text) AS hour, count(*),
    count(*) FILTER (WHERE answered_at IS NOT NULL),
    count(*) FILTER (WHERE disposition = 'talked'),
    count(*) FILTER (WHERE disposition = 'abandoned')
FROM attempts
WHERE (:campaign::text IS NULL OR campaign = :campaign::text)
    AND committed_at >= :since::timestamptz AND committed_at < :until::timestamptz
GROUP BY 1 ORDER BY 1;

-- name: operator_seconds(since, until)
-- How long each operator was in each state within the bounds. The last state known lasts until
-- the bound; the state before the first row of the bounds counts from the bound.
WITH spans AS (
    SELECT operator, state, at,
        lead(at, 1, :until::timestamptz) OVER (PARTITION BY operator ORDER BY at, id) AS left_at
    FROM operator_log
    WHERE at < :until::timestamptz
        AND at >= :since::timestamptz - interval '1 day'
)
SELECT operator, state,
    sum(extract(epoch FROM left_at - greatest(at, :since::timestamptz)))::double precision
FROM spans
WHERE left_at > :since::timestamptz
GROUP BY operator, state ORDER BY operator, state;

-- name: talks_of_operators(since, until)
-- Talks of each operator and their milliseconds.
SELECT operator, count(*), sum(talk_ms)::bigint FROM attempts
WHERE operator IS NOT NULL AND disposition = 'talked'
    AND committed_at >= :since::timestamptz AND committed_at < :until::timestamptz
GROUP BY operator ORDER BY operator;

-- name: dialed_twice(since, until)
-- Pairs of attempts to one phone that overlap in time: the books' own check, always 0.
SELECT count(*)
FROM attempts AS a
JOIN attempts AS b ON b.phone_id = a.phone_id AND b.id <> a.id
    AND b.committed_at >= a.committed_at
    AND (a.ended_at IS NULL OR b.committed_at < a.ended_at)
    AND (b.committed_at > a.committed_at OR b.id > a.id)
WHERE a.committed_at >= :since::timestamptz AND a.committed_at < :until::timestamptz;

-- name: over_the_cap(since, until)
-- Phones with more charged tries on one UTC day than the campaign's cap of that day.
SELECT count(*) FROM (
    SELECT a.phone_id FROM attempts AS a JOIN campaigns AS c ON c.name = a.campaign
    WHERE a.charged AND a.committed_at >= :since::timestamptz
        AND a.committed_at < :until::timestamptz
    GROUP BY a.phone_id, a.committed_at::date
    HAVING count(*) > max((c.definition -> 'caps' ->> 'per_day')::integer)
) AS t;

-- name: base_counts(list)
-- The list: cards, phones by state.
SELECT count(DISTINCT e.contact_id),
    count(DISTINCT p.id) FILTER (WHERE p.state = 'active'),
    count(DISTINCT p.id) FILTER (WHERE p.state = 'review'),
    count(DISTINCT p.id) FILTER (WHERE p.state = 'archived')
FROM lists AS l
JOIN list_entries AS e ON e.list_id = l.id
JOIN contact_phones AS cp ON cp.contact_id = e.contact_id
JOIN phones AS p ON p.id = cp.phone_id
WHERE l.name = :list::text;

-- name: filled_shares(list)
-- Which share of the list's cards has each field that a rule may look at (R3.4).
WITH cards AS MATERIALIZED (
    SELECT c.* FROM lists AS l
    JOIN list_entries AS e ON e.list_id = l.id JOIN contacts AS c ON c.id = e.contact_id
    WHERE l.name = :list::text
), sized AS (
    SELECT count(*)::double precision AS cards FROM cards
), counted AS (
    SELECT 'status' AS field, count(*) AS filled FROM cards
    UNION ALL SELECT 'source', count(nullif(source, '')) FROM cards
    UNION ALL SELECT 'region', count(nullif(region, '')) FROM cards
    UNION ALL SELECT 'segment', count(nullif(segment, '')) FROM cards
    UNION ALL SELECT 'tags', count(*) FILTER (WHERE tags <> '{}') FROM cards
    UNION ALL SELECT 'last_contact_at', count(last_contact_at) FROM cards
    UNION ALL SELECT 'added_at', count(added_at) FROM cards
    UNION ALL
    SELECT 'fields.' || f.key, count(*) FILTER (WHERE f.value NOT IN ('null', '""'))
    FROM cards CROSS JOIN LATERAL jsonb_each(cards.fields) AS f GROUP BY f.key
)
SELECT k.field, CASE WHEN s.cards = 0 THEN 0 ELSE k.filled / s.cards END
FROM counted AS k CROSS JOIN sized AS s ORDER BY k.field;

-- name: plan_rest(campaign, at)
-- Entries that are not offered now, by why: what waits and what rests.
SELECT CASE
        WHEN q.state = 'waiting' THEN coalesce(q.held_reason, 'retry_later')
        WHEN q.state = 'dialing' THEN 'already_being_called'
        WHEN q.state = 'review' THEN 'in_review'
        WHEN q.state = 'archive' THEN 'archived'
        WHEN q.state = 'off_list' THEN 'campaign_ended'
        ELSE q.state END AS reason,
    count(*), min(q.due_at) FILTER (WHERE q.state = 'waiting')
FROM queue_entries AS q JOIN campaigns AS c ON c.id = q.campaign_id
WHERE c.name = :campaign::text
    AND (q.state NOT IN ('due', 'waiting')
        OR (q.state = 'waiting' AND q.due_at > :at::timestamptz))
GROUP BY 1 ORDER BY 2 DESC, 1;

-- name: orphans()
-- Rows that point nowhere, over the references that no foreign key holds; always 0.
SELECT (SELECT count(*) FROM contact_identity AS i
        WHERE NOT EXISTS (SELECT FROM contacts AS c WHERE c.id = i.contact_id))
    + (SELECT count(*) FROM contact_phones AS h
        WHERE NOT EXISTS (SELECT FROM contacts AS c WHERE c.id = h.contact_id)
            OR NOT EXISTS (SELECT FROM phones AS p WHERE p.id = h.phone_id))
    + (SELECT count(*) FROM list_entries AS e
        WHERE NOT EXISTS (SELECT FROM contacts AS c WHERE c.id = e.contact_id)
            OR NOT EXISTS (SELECT FROM lists AS l WHERE l.id = e.list_id))
    + (SELECT count(*) FROM consents AS k
        WHERE (k.contact_id <> 0
                AND NOT EXISTS (SELECT FROM contacts AS c WHERE c.id = k.contact_id))
            OR NOT EXISTS (SELECT FROM phones AS p WHERE p.id = k.phone_id))
    + (SELECT count(*) FROM contacts AS c
        WHERE c.erased_at IS NULL
            AND NOT EXISTS (SELECT FROM contact_identity AS i WHERE i.contact_id = c.id));

-- name: explain_attempt(id)
-- Who called, and on what ground, as decided then (R6.8).
SELECT a.id::text, a.campaign, a.contact_id, a.phone_id, a.number, a.number_day, a.gateway,
    a.committed_at, a.ended_at, a.disposition, a.grounds, a.cause, a.sip_call_id
FROM attempts AS a WHERE a.id = :id::uuid;

-- name: causes(campaign, since, until)
-- What the line said, by gateway: the words of a ticket to a carrier (R5.1).
SELECT gateway, disposition, sip_status, q850, cause, count(*) FROM attempts
WHERE (:campaign::text IS NULL OR campaign = :campaign::text) AND ended_at IS NOT NULL
    AND committed_at >= :since::timestamptz AND committed_at < :until::timestamptz
GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 6 DESC, 2, 3, 4, 5;

-- name: imports(list, since, until)
-- What the imports onto a list came to, from the audit.
SELECT count(*), coalesce(sum((details ->> 'rows')::bigint), 0)::bigint,
    coalesce(sum((details ->> 'rejected')::bigint), 0)::bigint
FROM audit
WHERE what = 'import' AND subject = :list::text
    AND at >= :since::timestamptz AND at < :until::timestamptz;

-- name: kept_out(list, since, until)
-- Rows of these imports that made no card, by reason.
SELECT k.key, sum(k.value::bigint)::bigint
FROM audit AS a CROSS JOIN LATERAL jsonb_each_text(a.details -> 'kept_out') AS k
WHERE a.what = 'import' AND a.subject = :list::text
    AND a.at >= :since::timestamptz AND a.at < :until::timestamptz
GROUP BY 1 ORDER BY 2 DESC, 1;

-- name: campaign_known(campaign)
-- The revision that the base holds of a campaign.
SELECT revision FROM campaigns WHERE name = :campaign::text;
