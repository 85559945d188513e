-- Committing an intent, taking it back, and what is open. Locks come first (intents.py says in
-- which order); `commit_intents` is a statement of its own, so that it sees all that was committed
-- before the locks were had.

-- name: lock_halt()
-- Shared by all who commit intents; whoever engages the halt switch takes it alone, so that an
-- intent is strictly before or after.
SELECT pg_advisory_xact_lock_shared(1751215220);

-- name: lock_contacts(contacts)
-- In the order of their ids: two phones of one person make one queue. With what his hours go by.
SELECT id, windows, segment FROM contacts WHERE id = ANY(:contacts::bigint[]) ORDER BY id FOR NO KEY UPDATE;

-- name: add_number_days(numbers, days, limits)
-- The day's row of each number, before its first call.
INSERT INTO number_days (number, day, hard_limit)
SELECT t.number, t.day, max(t.hard_limit)
FROM unnest(:numbers::text[], :days::date[], :limits::integer[]) AS t (number, day, hard_limit)
WHERE NOT EXISTS (
    SELECT FROM number_days AS d WHERE d.number = t.number AND d.day = t.day)
GROUP BY t.number, t.day
ORDER BY t.number, t.day
ON CONFLICT (number, day) DO NOTHING;

-- name: lock_number_days(numbers, days)
-- Charged by one transaction at a time: the hard limit is exact.
SELECT d.number FROM number_days AS d
WHERE (d.number, d.day) IN (
    SELECT t.number, t.day FROM unnest(:numbers::text[], :days::date[]) AS t (number, day))
ORDER BY d.number, d.day FOR NO KEY UPDATE;

-- name: add_campaign_days(names, days)!
-- The day's row of each campaign with a budget, with what it has used before it had one.
INSERT INTO campaign_days (campaign, day, calls, spent)
SELECT t.name, t.day, used.calls, used.spent
FROM unnest(:names::text[], :days::date[]) AS t (name, day)
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE a.number_charged) AS calls, coalesce(sum(a.cost), 0) AS spent
    FROM attempts AS a
    WHERE a.campaign = t.name AND a.budget_day = t.day
        AND a.committed_at >= t.day::timestamptz - interval '2 days'
) AS used
WHERE NOT EXISTS (
    SELECT FROM campaign_days AS d WHERE d.campaign = t.name AND d.day = t.day)
ORDER BY t.name, t.day
ON CONFLICT (campaign, day) DO NOTHING;

-- name: lock_campaign_days(names, days)
-- After the numbers' days: a budget is spent by one transaction at a time.
SELECT d.campaign FROM campaign_days AS d
WHERE (d.campaign, d.day) IN (
    SELECT t.name, t.day FROM unnest(:names::text[], :days::date[]) AS t (name, day))
ORDER BY d.campaign, d.day FOR NO KEY UPDATE;

-- name: lock_days_of_attempts(ids)
-- The same for those whose attempts end or are withdrawn.
SELECT d.campaign FROM campaign_days AS d
WHERE (d.campaign, d.day) IN (
    SELECT a.campaign, a.budget_day FROM attempts AS a WHERE a.id = ANY(:ids::uuid[]))
ORDER BY d.campaign, d.day FOR NO KEY UPDATE;

-- name: commit_intents(at, ids, contacts, phones, of_campaigns, numbers, days, limits, gateways, instances, grounds, entries, closes, budget_days, reserved, most_calls, most_money, rules)
-- Judge each intent again, commit those that pass, charge their numbers, take their entries off
-- the queue. Answers one row per intent: id, reason (NULL = committed), until.
-- An id that is open already is answered as committed and charged no second time.
WITH asked AS MATERIALIZED (
    SELECT * FROM unnest(
        :ids::uuid[], :contacts::bigint[], :phones::bigint[], :of_campaigns::text[],
        :numbers::text[], :days::date[], :limits::integer[], :gateways::text[],
        :instances::text[], :grounds::text[], :entries::text[], :closes::double precision[],
        :budget_days::date[], :reserved::bigint[], :most_calls::integer[], :most_money::bigint[]
    ) WITH ORDINALITY AS t (
        id, contact_id, phone_id, campaign, number, day, hard_limit, gateway,
        instance, grounds, entry, closes, budget_day, reserved, most_calls, most_money, place)
), rules AS MATERIALIZED (
    SELECT jsonb_populate_record(NULL::permission_rules, t.rule::jsonb) AS r
    FROM unnest(:rules::text[]) AS t (rule)
), judged AS MATERIALIZED (
    SELECT asked.*, q.tier, denial.reason, allowed.consent_from, allowed.tries_today,
        allowed.tries_week, allowed.tries_month, allowed.talks_today,
        CASE
            WHEN denial.reason = allowed.reason THEN allowed.until
            WHEN denial.reason IN ('numbers_busy', 'window_closed') OR q.phone_id <> asked.phone_id
                THEN :at::timestamptz
            WHEN q.state = 'waiting' AND q.due_at > :at::timestamptz THEN q.due_at
        END AS until,
        ((asked.day + 1)::timestamp AT TIME ZONE coalesce(n.zone, 'UTC')) AS day_ends
    FROM asked
    JOIN rules ON (rules.r).campaign = asked.campaign
    LEFT JOIN campaigns AS c ON c.name = asked.campaign
    LEFT JOIN queue_entries AS q
        ON q.contact_id = asked.contact_id AND q.campaign_id = c.id
    LEFT JOIN numbers AS n ON n.number = asked.number
    -- OFFSET 0: one look-up each, never the whole table, whatever its statistics say.
    LEFT JOIN LATERAL (
        SELECT a.id, a.ended_at FROM attempts AS a WHERE a.id = asked.id OFFSET 0
    ) AS known ON true
    LEFT JOIN LATERAL permission_of(
        asked.contact_id, asked.phone_id, rules.r, :at::timestamptz) AS allowed ON true
    CROSS JOIN LATERAL (
        SELECT CASE
            WHEN known.id IS NOT NULL
                THEN CASE WHEN known.ended_at IS NULL THEN 'committed' ELSE 'done' END
            WHEN (SELECT s.engaged FROM switches AS s WHERE s.name = 'halt') THEN 'halted'
            WHEN q.contact_id IS NULL OR allowed.tries_today IS NULL THEN 'no_phone'
            WHEN allowed.reason IS NOT NULL THEN allowed.reason
            WHEN q.state = 'dialing' THEN 'already_being_called'
            WHEN q.state IN ('done', 'check_list') THEN q.state
            WHEN q.state = 'review' THEN 'in_review'
            WHEN q.state = 'archive' THEN 'archived'
            WHEN q.state = 'off_list' THEN 'campaign_ended'
            WHEN q.state = 'waiting' AND q.due_at > :at::timestamptz
                THEN coalesce(q.held_reason, 'retry_later')
            WHEN q.phone_id <> asked.phone_id THEN 'retry_later'
            WHEN asked.closes <= extract(epoch FROM :at::timestamptz) THEN 'window_closed'
            -- Claimed before the number's midnight: the claim counted on the wrong day.
            WHEN asked.day <> (:at::timestamptz AT TIME ZONE n.zone)::date THEN 'numbers_busy'
            -- As core.permission.persistence.rests: so far into each quarter of an hour.
            WHEN mod(extract(epoch FROM :at::timestamptz), 900) >= c.persistence_pace * 900
                THEN 'persistence'
        END AS reason
        OFFSET 0
    ) AS denial
), alone AS (
    -- One call per phone and person within the batch, too.
    SELECT * FROM (
        SELECT j.*,
            row_number() OVER (PARTITION BY j.phone_id ORDER BY j.place) AS of_phone,
            row_number() OVER (PARTITION BY j.contact_id ORDER BY j.place) AS of_contact
        FROM judged AS j WHERE j.reason IS NULL
    ) AS t WHERE of_phone = 1 AND of_contact = 1
), counted AS MATERIALIZED (
    SELECT a.*, row_number() OVER (PARTITION BY a.number, a.day ORDER BY a.place) AS nth,
        CASE
            WHEN b.calls + row_number() OVER of_day > a.most_calls THEN 'budget_calls'
            WHEN b.spent + sum(a.reserved) OVER of_day > a.most_money THEN 'budget_money'
        END AS over
    FROM alone AS a
    LEFT JOIN campaign_days AS b ON b.campaign = a.campaign AND b.day = a.budget_day
    WINDOW of_day AS (PARTITION BY a.campaign, a.budget_day ORDER BY a.place)
), inserted AS (
    INSERT INTO attempts (id, campaign, contact_id, phone_id, number, number_day, gateway,
        instance, tier, grounds, entry, committed_at, budget_day, cost)
    SELECT f.id, f.campaign, f.contact_id, f.phone_id, f.number, f.day, f.gateway, f.instance,
        f.tier,
        -- As they stood under the locks, beside what the feeder had seen.
        f.grounds::jsonb || jsonb_build_object('at_commit', jsonb_build_object(
            'consent_given_at', f.consent_from, 'today', f.tries_today, 'week', f.tries_week,
            'month', f.tries_month, 'talks_today', f.talks_today)),
        f.entry::jsonb, :at::timestamptz, f.budget_day, f.reserved
    FROM counted AS f
    JOIN number_days AS d ON d.number = f.number AND d.day = f.day
    WHERE d.dialed + f.nth <= f.hard_limit AND f.over IS NULL
    ON CONFLICT DO NOTHING
    RETURNING id, contact_id, campaign, number, number_day, budget_day, cost
), charged AS (
    UPDATE number_days AS d
    SET dialed = d.dialed + t.calls, hard_limit = t.hard_limit
    FROM (
        SELECT i.number, i.number_day, count(*) AS calls, max(a.hard_limit) AS hard_limit
        FROM inserted AS i JOIN asked AS a ON a.id = i.id
        GROUP BY i.number, i.number_day
    ) AS t
    WHERE d.number = t.number AND d.day = t.number_day
), spent AS (
    UPDATE campaign_days AS b SET calls = b.calls + t.calls, spent = b.spent + t.cost
    FROM (
        SELECT campaign, budget_day, count(*) AS calls, sum(cost) AS cost
        FROM inserted GROUP BY campaign, budget_day
    ) AS t
    WHERE b.campaign = t.campaign AND b.day = t.budget_day
), queued AS (
    UPDATE queue_entries AS q SET state = 'dialing', held_reason = NULL
    FROM inserted AS i JOIN campaigns AS c ON c.name = i.campaign
    WHERE q.contact_id = i.contact_id AND q.campaign_id = c.id
)
SELECT j.id::text,
    CASE
        WHEN i.id IS NOT NULL OR j.reason = 'committed' THEN NULL
        WHEN j.reason IS NOT NULL THEN j.reason
        WHEN f.id IS NULL THEN 'already_being_called'
        WHEN f.over IS NOT NULL THEN f.over
        ELSE 'number_limit'
    END,
    CASE
        WHEN j.reason IS NOT NULL THEN j.until
        WHEN f.id IS NOT NULL AND i.id IS NULL AND f.over IS NULL THEN j.day_ends
    END
FROM judged AS j
LEFT JOIN counted AS f ON f.id = j.id
LEFT JOIN inserted AS i ON i.id = j.id
ORDER BY j.place;

-- name: withdraw_intents(ids)
-- Never sent to the switch: the row goes, the number's charge comes back, the entry is due again.
WITH gone AS (
    DELETE FROM attempts
    WHERE id = ANY(:ids::uuid[]) AND ended_at IS NULL
    RETURNING contact_id, campaign, number, number_day, budget_day, cost
), unspent AS (
    UPDATE campaign_days AS b SET calls = b.calls - t.calls, spent = b.spent - t.cost
    FROM (
        SELECT campaign, budget_day, count(*) AS calls, sum(cost) AS cost
        FROM gone GROUP BY campaign, budget_day
    ) AS t
    WHERE b.campaign = t.campaign AND b.day = t.budget_day
), credited AS (
    UPDATE number_days AS d SET dialed = d.dialed - t.calls
    FROM (
        SELECT number, number_day, count(*) AS calls FROM gone GROUP BY number, number_day
    ) AS t
    WHERE d.number = t.number AND d.day = t.number_day
), queued AS (
    UPDATE queue_entries AS q SET state = 'due'
    FROM gone AS g JOIN campaigns AS c ON c.name = g.campaign
    WHERE q.contact_id = g.contact_id AND q.campaign_id = c.id AND q.state = 'dialing'
)
SELECT count(*) FROM gone;

-- name: open_rows(ids)
-- What the locks of an ending or a withdrawal must cover.
SELECT phone_id, contact_id, number, number_day FROM attempts
WHERE id = ANY(:ids::uuid[]) AND ended_at IS NULL;

-- name: open_attempts(instance)
-- All that is open (of one daemon, or NULL = of all), oldest first.
SELECT id::text, campaign, contact_id, phone_id, number, number_day, gateway, instance, entry,
    committed_at
FROM attempts
WHERE ended_at IS NULL AND (:instance::text IS NULL OR instance = :instance::text)
ORDER BY committed_at, id;
