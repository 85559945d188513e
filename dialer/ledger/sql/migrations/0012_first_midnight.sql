-- Two things of 0006_limits: a calendar's period begins with the first of two midnights where a
-- clock is set back over one (Azores, Havana: the day's limit forgot what lay between them); and
-- the history's figures are counted while it is read: a function for each was half of `due`.

-- Hot leads that wait wake before a million others that are ripe.
CREATE INDEX queue_waiting_hot ON queue_entries (campaign_id, due_at)
    WHERE state = 'waiting' AND tier = 0;

-- The first instant at which a clock there shows this time, or a later one.
CREATE FUNCTION first_instant(shown timestamp, zone text) RETURNS timestamptz
LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN (shown AT TIME ZONE zone - interval '1 hour') AT TIME ZONE zone >= shown
            THEN shown AT TIME ZONE zone - interval '1 hour'
        ELSE shown AT TIME ZONE zone
    END
$$;

-- When the day, week or month of `at` is over in all of these zones.
CREATE OR REPLACE FUNCTION next_period(unit text, zones text[], at timestamptz)
RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT max(first_instant(
        date_trunc(unit, at AT TIME ZONE z) + ('1 ' || unit)::interval, z))
    FROM unnest(zones) AS t (z)
$$;

DROP FUNCTION phone_past(bigint, timestamptz, jsonb);
DROP FUNCTION contact_past(bigint, timestamptz, jsonb);
DROP FUNCTION so_many(timestamptz[], timestamptz);

-- Earlier attempts of one side. `charged` ones count as tries (open ones are); latest first.
CREATE FUNCTION phone_past(
    of_phone bigint, since timestamptz, rests jsonb,
    day timestamptz, week timestamptz, month timestamptz
) RETURNS TABLE (
    tries timestamptz[], talks timestamptz[], failures timestamptz[], open boolean,
    last_end timestamptz, rests_until timestamptz, tries_today integer, tries_week integer,
    tries_month integer, talks_today integer, failures_today integer
) LANGUAGE sql STABLE AS $$
    SELECT
        array_agg(committed_at ORDER BY committed_at DESC) FILTER (WHERE charged),
        array_agg(committed_at ORDER BY committed_at DESC)
            FILTER (WHERE disposition = 'talked'),
        array_agg(committed_at ORDER BY committed_at DESC) FILTER (WHERE NOT charged),
        coalesce(bool_or(ended_at IS NULL), false),
        max(ended_at) FILTER (WHERE charged),
        max(ended_at + (rests ->> disposition)::double precision * interval '1 second'),
        (count(*) FILTER (WHERE charged AND committed_at >= day))::integer,
        (count(*) FILTER (WHERE charged AND committed_at >= week))::integer,
        (count(*) FILTER (WHERE charged AND committed_at >= month))::integer,
        (count(*) FILTER (WHERE disposition = 'talked' AND committed_at >= day))::integer,
        (count(*) FILTER (WHERE NOT charged AND committed_at >= day))::integer
    FROM attempts
    WHERE phone_id = of_phone AND committed_at >= since
$$;

CREATE FUNCTION contact_past(
    of_contact bigint, since timestamptz, rests jsonb,
    day timestamptz, week timestamptz, month timestamptz
) RETURNS TABLE (
    tries timestamptz[], talks timestamptz[], failures timestamptz[], open boolean,
    last_end timestamptz, rests_until timestamptz, tries_today integer, tries_week integer,
    tries_month integer, talks_today integer, failures_today integer
) LANGUAGE sql STABLE AS $$
    SELECT
        array_agg(committed_at ORDER BY committed_at DESC) FILTER (WHERE charged),
        array_agg(committed_at ORDER BY committed_at DESC)
            FILTER (WHERE disposition = 'talked'),
        array_agg(committed_at ORDER BY committed_at DESC) FILTER (WHERE NOT charged),
        coalesce(bool_or(ended_at IS NULL), false),
        max(ended_at) FILTER (WHERE charged),
        max(ended_at + (rests ->> disposition)::double precision * interval '1 second'),
        (count(*) FILTER (WHERE charged AND committed_at >= day))::integer,
        (count(*) FILTER (WHERE charged AND committed_at >= week))::integer,
        (count(*) FILTER (WHERE charged AND committed_at >= month))::integer,
        (count(*) FILTER (WHERE disposition = 'talked' AND committed_at >= day))::integer,
        (count(*) FILTER (WHERE NOT charged AND committed_at >= day))::integer
    FROM attempts
    WHERE contact_id = of_contact AND committed_at >= since
$$;

-- May this contact be called on this phone by these rules? One row: the first reason against it
-- (values of core.permission.reasons; NULL = none) and until when (NULL = no known end), with the
-- history that the core's next step needs and the consent that allows it. The called zones are all
-- that the phone may lie in, else the campaign's default, else UTC; a day has begun when it has
-- begun in one of them. Week and month reach back to the calendar's beginning or 7 and 30 days,
-- whichever is earlier. core/permission/limits.py holds the same rules one by one.
CREATE OR REPLACE FUNCTION permission_of(
    of_contact bigint, of_phone bigint, r permission_rules, at timestamptz
) RETURNS TABLE (
    reason text, until timestamptz, zones text[], region text,
    tries_today integer, tries_week integer, tries_month integer, talks_today integer,
    uncharged_today integer, last_try_on date, dead_attempts integer, dead_days date[],
    dead_gateways text[], unavailable_attempts integer, consent_from timestamptz
) LANGUAGE sql STABLE AS $$
    SELECT
        denial.reason,
        CASE denial.reason
            WHEN 'stop' THEN stop.until
            WHEN 'consent_withdrawn' THEN consent.next_from
            WHEN 'consent_expired' THEN consent.next_from
            WHEN 'consent_missing' THEN consent.next_from
            WHEN 'talks_day' THEN greatest(
                next_period('day', called.zones, p_past.talks[(r).talks_per_day]),
                next_period('day', called.zones, c_past.talks[(r).talks_per_day]))
            WHEN 'talks_month' THEN greatest(
                next_period('month', called.zones, p_past.talks[(r).talks_per_month]),
                next_period('month', called.zones, c_past.talks[(r).talks_per_month]),
                p_past.talks[(r).talks_per_month] + interval '720 hours',
                c_past.talks[(r).talks_per_month] + interval '720 hours')
            WHEN 'talks_week' THEN greatest(
                next_period('week', called.zones, p_past.talks[(r).talks_per_week]),
                next_period('week', called.zones, c_past.talks[(r).talks_per_week]),
                p_past.talks[(r).talks_per_week] + interval '168 hours',
                c_past.talks[(r).talks_per_week] + interval '168 hours')
            WHEN 'tries_month' THEN greatest(
                next_period('month', called.zones, p_past.tries[(r).per_month]),
                next_period('month', called.zones, c_past.tries[(r).per_month]),
                p_past.tries[(r).per_month] + interval '720 hours',
                c_past.tries[(r).per_month] + interval '720 hours')
            WHEN 'tries_week' THEN greatest(
                next_period('week', called.zones, p_past.tries[(r).per_week]),
                next_period('week', called.zones, c_past.tries[(r).per_week]),
                p_past.tries[(r).per_week] + interval '168 hours',
                c_past.tries[(r).per_week] + interval '168 hours')
            WHEN 'tries_day' THEN greatest(
                next_period('day', called.zones, p_past.tries[(r).per_day]),
                next_period('day', called.zones, c_past.tries[(r).per_day]))
            WHEN 'tries_rolling' THEN roll.until
            WHEN 'talks_rolling' THEN roll.until
            WHEN 'min_gap' THEN pause.gap_until
            WHEN 'resting' THEN pause.rests_until
            WHEN 'failures_day' THEN
                next_period('day', called.zones, p_past.failures[(r).uncharged_per_day])
        END,
        p.zones, p.region,
        greatest(p_past.tries_today, c_past.tries_today),
        greatest(p_past.tries_week, c_past.tries_week),
        greatest(p_past.tries_month, c_past.tries_month),
        greatest(p_past.talks_today, c_past.talks_today),
        p_past.failures_today,
        (p_past.tries[1] AT TIME ZONE called.zones[1])::date,
        p.dead_attempts, p.dead_days, p.dead_gateways, p.unavailable_attempts,
        consent.valid_from
    FROM phones AS p
    CROSS JOIN LATERAL (
        SELECT CASE WHEN p.zones <> '{}' THEN p.zones
            ELSE ARRAY[coalesce((r).default_zone, 'UTC')] END AS zones
    ) AS called
    CROSS JOIN LATERAL (
        SELECT
            min(first_instant(date_trunc('day', at AT TIME ZONE z), z)) AS day,
            least(at - interval '168 hours' + interval '1 microsecond',
                min(first_instant(date_trunc('week', at AT TIME ZONE z), z))) AS week,
            least(at - interval '720 hours' + interval '1 microsecond',
                min(first_instant(date_trunc('month', at AT TIME ZONE z), z))) AS month
        FROM unnest(called.zones) AS t (z)
    ) AS began
    CROSS JOIN LATERAL (
        SELECT least(began.month, at - make_interval(hours => (r).lookback_h)) AS first
    ) AS since
    CROSS JOIN LATERAL phone_past(
        p.id, since.first, (r).rests, began.day, began.week, began.month) AS p_past
    CROSS JOIN LATERAL contact_past(
        of_contact, since.first, (r).rests, began.day, began.week, began.month) AS c_past
    CROSS JOIN LATERAL (
        SELECT
            greatest(p_past.last_end, c_past.last_end)
                + coalesce((r).min_gap_s, 0) * interval '1 second' AS gap_until,
            greatest(p_past.rests_until, c_past.rests_until) AS rests_until
    ) AS pause
    LEFT JOIN LATERAL (
        SELECT t.rule ->> 0 AS what,
            greatest(
                (CASE WHEN t.rule ->> 0 = 'talks' THEN p_past.talks ELSE p_past.tries END)
                    [(t.rule ->> 1)::integer],
                (CASE WHEN t.rule ->> 0 = 'talks' THEN c_past.talks ELSE c_past.tries END)
                    [(t.rule ->> 1)::integer])
                + make_interval(hours => (t.rule ->> 2)::integer) AS until
        FROM jsonb_array_elements((r).rolling) WITH ORDINALITY AS t (rule, place)
        WHERE greatest(
                (CASE WHEN t.rule ->> 0 = 'talks' THEN p_past.talks ELSE p_past.tries END)
                    [(t.rule ->> 1)::integer],
                (CASE WHEN t.rule ->> 0 = 'talks' THEN c_past.talks ELSE c_past.tries END)
                    [(t.rule ->> 1)::integer])
                + make_interval(hours => (t.rule ->> 2)::integer) > at
        ORDER BY t.place LIMIT 1
    ) AS roll ON true
    CROSS JOIN LATERAL (
        SELECT
            count(*) > 0 AS found,
            CASE WHEN bool_or(s.expires_at IS NULL) THEN NULL ELSE max(s.expires_at) END AS until
        FROM stops AS s
        WHERE s.phone_id = p.id AND s.removed_at IS NULL AND s.channel = 'phone'
            AND (s.expires_at IS NULL OR s.expires_at > at)
            AND (s.scope = 'global'
                OR (s.scope = 'campaign' AND s.scope_value = (r).campaign)
                OR (s.scope = 'purpose' AND s.scope_value = (r).purpose))
    ) AS stop
    CROSS JOIN LATERAL (
        SELECT max(w.withdrawn_at) AS latest FROM withdrawals AS w
        WHERE w.phone_id = p.id AND w.purpose IN ('', (r).purpose)
    ) AS withdrawn
    CROSS JOIN LATERAL (
        SELECT
            max(c.given_at) FILTER (WHERE c.withdrawn_at IS NULL AND c.given_at <= at
                AND (c.expires_at IS NULL OR c.expires_at > at)) AS valid_from,
            min(c.given_at) FILTER (WHERE c.withdrawn_at IS NULL AND c.given_at > at)
                AS next_from,
            greatest(max(c.withdrawn_at), withdrawn.latest) AS last_withdrawn,
            coalesce(bool_or(c.withdrawn_at IS NULL AND c.expires_at <= at), false) AS expired
        FROM consents AS c
        WHERE c.phone_id = p.id AND c.purpose = (r).purpose AND c.contact_id IN (0, of_contact)
    ) AS consent
    CROSS JOIN LATERAL (
        SELECT CASE
            WHEN p.state = 'archived' THEN 'archived'
            WHEN p.state <> 'active' THEN 'in_review'
            WHEN stop.found THEN 'stop'
            WHEN consent.last_withdrawn IS NOT NULL AND (consent.valid_from IS NULL
                OR consent.valid_from <= consent.last_withdrawn) THEN 'consent_withdrawn'
            WHEN (r).consent_required AND consent.valid_from IS NULL
                THEN CASE WHEN consent.expired THEN 'consent_expired' ELSE 'consent_missing' END
            WHEN p_past.open OR c_past.open THEN 'already_being_called'
            WHEN greatest(p_past.talks[(r).talks_per_day], c_past.talks[(r).talks_per_day])
                >= began.day THEN 'talks_day'
            WHEN greatest(p_past.talks[(r).talks_per_month], c_past.talks[(r).talks_per_month])
                >= began.month THEN 'talks_month'
            WHEN greatest(p_past.talks[(r).talks_per_week], c_past.talks[(r).talks_per_week])
                >= began.week THEN 'talks_week'
            WHEN greatest(p_past.tries[(r).per_month], c_past.tries[(r).per_month])
                >= began.month THEN 'tries_month'
            WHEN greatest(p_past.tries[(r).per_week], c_past.tries[(r).per_week])
                >= began.week THEN 'tries_week'
            WHEN greatest(p_past.tries[(r).per_day], c_past.tries[(r).per_day])
                >= began.day THEN 'tries_day'
            WHEN roll.what IS NOT NULL THEN roll.what || '_rolling'
            WHEN (r).min_gap_s > 0 AND pause.gap_until > at THEN 'min_gap'
            WHEN pause.rests_until > at THEN 'resting'
            WHEN p_past.failures[(r).uncharged_per_day] >= began.day THEN 'failures_day'
        END AS reason
        OFFSET 0
    ) AS denial
    WHERE p.id = of_phone
$$;
