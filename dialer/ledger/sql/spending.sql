-- What a campaign's persistence came to, and what it spends.

-- name: used_of_day(campaign, day)
-- Calls and money of one day.
SELECT calls, spent FROM campaign_days WHERE campaign = :campaign::text AND day = :day::date;

-- name: costs(campaign, since, until)
-- Money, and what it was for: talks with people, and those that ended in a decision.
SELECT coalesce(sum(cost) FILTER (WHERE ended_at IS NOT NULL), 0)::bigint,
    count(*) FILTER (WHERE disposition = 'talked' AND NOT said_machine AND NOT short_answer),
    count(*) FILTER (WHERE lower(result) = 'decided')
FROM attempts
WHERE campaign = :campaign::text AND committed_at >= :since::timestamptz
    AND committed_at < :until::timestamptz;

-- name: persistence(campaign, since)
-- Of its attempts since then, by one look along attempts_by_campaign. A talk is one with a person;
-- who wants no more calls has a stop for good within a week of one of them, whoever wrote it down.
WITH of_person AS (
    SELECT contact_id,
        count(*) FILTER (WHERE charged AND ended_at IS NOT NULL) AS tries,
        count(*) FILTER (WHERE disposition = 'talked' AND NOT said_machine AND NOT short_answer)
            AS talks,
        count(*) FILTER (WHERE (answered_at IS NOT NULL OR short_answer)
            AND disposition <> 'machine' AND NOT said_machine) AS answered,
        count(*) FILTER (WHERE lower(result) = 'refused') AS refusals,
        count(*) FILTER (WHERE short_answer AND NOT said_machine
            AND disposition <> 'machine') AS instant
    FROM attempts
    WHERE campaign = :campaign::text AND committed_at >= :since::timestamptz
    GROUP BY contact_id
), opted_out AS (
    SELECT count(DISTINCT s.phone_id) AS phones FROM stops AS s
    WHERE s.added_at >= :since::timestamptz AND s.category = 'never' AND s.channel = 'phone'
        AND s.removed_at IS NULL AND EXISTS (
            SELECT FROM attempts AS a
            WHERE a.phone_id = s.phone_id AND a.campaign = :campaign::text
                AND a.answered_at IS NOT NULL AND a.committed_at <= s.added_at
                AND a.committed_at >= s.added_at - interval '7 days')
)
SELECT coalesce(sum(p.tries), 0)::bigint, coalesce(sum(p.talks), 0)::bigint,
    coalesce(sum(p.answered), 0)::bigint, coalesce(sum(p.refusals), 0)::bigint,
    coalesce(sum(p.instant), 0)::bigint, (SELECT phones FROM opted_out),
    count(*) FILTER (WHERE p.tries > 0), coalesce(max(p.tries), 0)::bigint,
    (SELECT count(*) FROM complaints AS c
        WHERE c.campaign = :campaign::text AND c.at >= :since::timestamptz),
    coalesce(max(p.refusals), 0)::bigint, coalesce(max(p.instant), 0)::bigint
FROM of_person AS p;

-- name: save_pace(campaign, pace)!
-- Every intent of every daemon asks it from now on.
UPDATE campaigns SET persistence_pace = :pace::double precision
WHERE name = :campaign::text AND persistence_pace <> :pace::double precision;

-- name: pace_of(campaign)
-- As it was judged last.
SELECT persistence_pace FROM campaigns WHERE name = :campaign::text;

-- name: persistence_of(phone, since)
-- The same of one person: his phone and the cards on which it stands, over all campaigns.
WITH mine AS (
    SELECT a.id, a.charged, a.ended_at, a.disposition, a.said_machine, a.short_answer,
        a.answered_at, a.result FROM attempts AS a
    WHERE a.phone_id = :phone::bigint AND a.committed_at >= :since::timestamptz
    UNION
    SELECT a.id, a.charged, a.ended_at, a.disposition, a.said_machine, a.short_answer,
        a.answered_at, a.result FROM contact_phones AS h JOIN attempts AS a ON a.contact_id = h.contact_id
    WHERE h.phone_id = :phone::bigint AND a.committed_at >= :since::timestamptz
)
SELECT count(*) FILTER (WHERE charged AND ended_at IS NOT NULL),
    count(*) FILTER (WHERE disposition = 'talked' AND NOT said_machine AND NOT short_answer),
    count(*) FILTER (WHERE (answered_at IS NOT NULL OR short_answer)
        AND disposition <> 'machine' AND NOT said_machine),
    count(*) FILTER (WHERE lower(result) = 'refused'),
    count(*) FILTER (WHERE short_answer AND NOT said_machine AND disposition <> 'machine'),
    (SELECT count(*) FROM stops AS s WHERE s.phone_id = :phone::bigint
        AND s.added_at >= :since::timestamptz AND s.category = 'never' AND s.channel = 'phone'),
    (SELECT count(*) FROM complaints AS c
        WHERE c.phone_id = :phone::bigint AND c.at >= :since::timestamptz)
FROM mine;
