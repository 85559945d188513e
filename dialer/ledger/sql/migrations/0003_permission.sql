-- The set-wise rules in one place: asked by the feeder's query and again by the intent statement.
-- core.permission holds the same rules one by one; tests hold the two against each other.
-- Both functions are inlined by the planner (SQL, STABLE, one SELECT).

-- Counts of earlier tries: `charged` attempts (open ones are), the day since `day_began`, the week
-- 7 x 24 h and the month 30 days back. week_free_at: when the week's count falls under its cap.
CREATE FUNCTION phone_tries(
    of_phone bigint, at timestamptz, day_began timestamptz, per_week integer, per_month integer
) RETURNS TABLE (
    today integer, week integer, month integer, talks integer, uncharged integer,
    open boolean, last_at timestamptz, week_free_at timestamptz, month_free_at timestamptz
) LANGUAGE sql STABLE AS $$
    SELECT
        (count(*) FILTER (WHERE charged AND committed_at >= day_began))::integer,
        (count(*) FILTER (WHERE charged AND committed_at > at - interval '168 hours'))::integer,
        (count(*) FILTER (WHERE charged))::integer,
        (count(*) FILTER (WHERE disposition = 'talked' AND committed_at >= day_began))::integer,
        (count(*) FILTER (WHERE NOT charged AND committed_at >= day_began))::integer,
        coalesce(bool_or(ended_at IS NULL), false),
        max(committed_at) FILTER (WHERE charged),
        (array_agg(committed_at ORDER BY committed_at DESC) FILTER (WHERE charged))[per_week]
            + interval '168 hours',
        (array_agg(committed_at ORDER BY committed_at DESC) FILTER (WHERE charged))[per_month]
            + interval '720 hours'
    FROM attempts
    WHERE phone_id = of_phone AND committed_at > at - interval '720 hours'
$$;

CREATE FUNCTION contact_tries(
    of_contact bigint, at timestamptz, day_began timestamptz, per_week integer, per_month integer
) RETURNS TABLE (
    today integer, week integer, month integer, talks integer, uncharged integer,
    open boolean, last_at timestamptz, week_free_at timestamptz, month_free_at timestamptz
) LANGUAGE sql STABLE AS $$
    SELECT
        (count(*) FILTER (WHERE charged AND committed_at >= day_began))::integer,
        (count(*) FILTER (WHERE charged AND committed_at > at - interval '168 hours'))::integer,
        (count(*) FILTER (WHERE charged))::integer,
        (count(*) FILTER (WHERE disposition = 'talked' AND committed_at >= day_began))::integer,
        (count(*) FILTER (WHERE NOT charged AND committed_at >= day_began))::integer,
        coalesce(bool_or(ended_at IS NULL), false),
        max(committed_at) FILTER (WHERE charged),
        (array_agg(committed_at ORDER BY committed_at DESC) FILTER (WHERE charged))[per_week]
            + interval '168 hours',
        (array_agg(committed_at ORDER BY committed_at DESC) FILTER (WHERE charged))[per_month]
            + interval '720 hours'
    FROM attempts
    WHERE contact_id = of_contact AND committed_at > at - interval '720 hours'
$$;

-- May this contact be called on this phone by this campaign? One row: the first reason against it
-- (values of core.permission.reasons; NULL = none) and until when (NULL = no known end), with the
-- history that the core's next step needs. The called zone is the first zone that the phone may
-- lie in, else the campaign's default, else UTC.
CREATE FUNCTION permission_of(
    of_contact bigint, of_phone bigint, of_campaign text, for_purpose text,
    consent_required boolean, per_day integer, per_week integer, per_month integer,
    talks_per_day integer, uncharged_per_day integer, default_zone text, at timestamptz
) RETURNS TABLE (
    reason text, until timestamptz, zones text[], region text,
    tries_today integer, tries_week integer, tries_month integer, talks_today integer,
    uncharged_today integer, last_try_on date, dead_attempts integer, dead_days date[],
    dead_gateways text[], unavailable_attempts integer
) LANGUAGE sql STABLE AS $$
    SELECT
        denial.reason,
        CASE denial.reason
            WHEN 'stop' THEN stop.until
            WHEN 'tries_month' THEN greatest(bp.month_free_at, bc.month_free_at)
            WHEN 'tries_week' THEN greatest(bp.week_free_at, bc.week_free_at)
            WHEN 'tries_day' THEN day.ends
            WHEN 'talks_day' THEN day.ends
            WHEN 'failures_day' THEN day.ends
        END,
        p.zones, p.region,
        greatest(bp.today, bc.today), greatest(bp.week, bc.week), greatest(bp.month, bc.month),
        greatest(bp.talks, bc.talks), bp.uncharged,
        (bp.last_at AT TIME ZONE called.zone)::date,
        p.dead_attempts, p.dead_days, p.dead_gateways, p.unavailable_attempts
    FROM phones AS p
    CROSS JOIN LATERAL (SELECT coalesce(p.zones[1], default_zone, 'UTC') AS zone) AS called
    CROSS JOIN LATERAL (
        SELECT
            date_trunc('day', at AT TIME ZONE called.zone) AT TIME ZONE called.zone AS began,
            (date_trunc('day', at AT TIME ZONE called.zone) + interval '1 day')
                AT TIME ZONE called.zone AS ends
    ) AS day
    CROSS JOIN LATERAL phone_tries(p.id, at, day.began, per_week, per_month) AS bp
    CROSS JOIN LATERAL contact_tries(of_contact, at, day.began, per_week, per_month) AS bc
    CROSS JOIN LATERAL (
        SELECT
            count(*) > 0 AS found,
            CASE WHEN bool_or(s.expires_at IS NULL) THEN NULL ELSE max(s.expires_at) END AS until
        FROM stops AS s
        WHERE s.phone_id = p.id AND s.removed_at IS NULL
            AND (s.expires_at IS NULL OR s.expires_at > at)
            AND (s.scope = 'global'
                OR (s.scope = 'campaign' AND s.scope_value = of_campaign)
                OR (s.scope = 'purpose' AND s.scope_value = for_purpose))
    ) AS stop
    CROSS JOIN LATERAL (
        SELECT
            max(c.given_at) FILTER (WHERE c.withdrawn_at IS NULL AND c.given_at <= at
                AND (c.expires_at IS NULL OR c.expires_at > at)) AS valid_from,
            max(c.withdrawn_at) AS last_withdrawn,
            coalesce(bool_or(c.withdrawn_at IS NULL AND c.expires_at <= at), false) AS expired
        FROM consents AS c
        WHERE c.phone_id = p.id AND c.purpose = for_purpose
            AND c.contact_id IN (0, of_contact)
    ) AS consent
    CROSS JOIN LATERAL (
        SELECT CASE
            WHEN p.state = 'archived' THEN 'archived'
            WHEN p.state = 'review' THEN 'in_review'
            WHEN stop.found THEN 'stop'
            WHEN consent.last_withdrawn IS NOT NULL AND (consent.valid_from IS NULL
                OR consent.valid_from <= consent.last_withdrawn) THEN 'consent_withdrawn'
            WHEN consent_required AND consent.valid_from IS NULL
                THEN CASE WHEN consent.expired THEN 'consent_expired' ELSE 'consent_missing' END
            WHEN bp.open OR bc.open THEN 'already_being_called'
            WHEN greatest(bp.talks, bc.talks) >= talks_per_day THEN 'talks_day'
            WHEN greatest(bp.month, bc.month) >= per_month THEN 'tries_month'
            WHEN greatest(bp.week, bc.week) >= per_week THEN 'tries_week'
            WHEN greatest(bp.today, bc.today) >= per_day THEN 'tries_day'
            WHEN bp.uncharged >= uncharged_per_day THEN 'failures_day'
        END AS reason
        OFFSET 0
    ) AS denial
    WHERE p.id = of_phone
$$;
