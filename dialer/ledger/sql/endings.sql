-- name: end_attempts(ids, ended_at, dialed_at, rang_at, answered_at, bridged_at, dispositions, charged, number_charged, suspect, causes, q850, sip_status, sip_phrases, sip_reasons, sip_call_ids, hung_up_by, ring_ms, early_media_ms, wait_ms, talk_ms, short_answers, operators, stop_reasons, opt_outs, evidence, steps, step_reasons, due_at, rounds, costs)
-- The one result of each attempt, with all that follows from it. Only open attempts are ended: a
-- repeated call finds none and changes nothing. Answers the ids that were ended now.
WITH told AS MATERIALIZED (
    SELECT * FROM unnest(
        :ids::uuid[], :ended_at::timestamptz[], :dialed_at::timestamptz[],
        :rang_at::timestamptz[], :answered_at::timestamptz[], :bridged_at::timestamptz[],
        :dispositions::text[], :charged::boolean[], :number_charged::boolean[],
        :suspect::boolean[], :causes::text[], :q850::smallint[], :sip_status::smallint[],
        :sip_phrases::text[], :sip_reasons::text[], :sip_call_ids::text[], :hung_up_by::text[],
        :ring_ms::integer[], :early_media_ms::integer[], :wait_ms::integer[],
        :talk_ms::integer[], :short_answers::boolean[], :operators::text[],
        :stop_reasons::text[], :opt_outs::boolean[], :evidence::text[], :steps::text[],
        :step_reasons::text[], :due_at::timestamptz[], :rounds::smallint[], :costs::bigint[]
    ) AS t (id, ended_at, dialed_at, rang_at, answered_at, bridged_at, disposition, charged,
        number_charged, suspect, cause, q850, sip_status, sip_phrase, sip_reason, sip_call_id,
        hung_up_by, ring_ms, early_media_ms, wait_ms, talk_ms, short_answer, operator,
        stop_reason, opt_out_key, evidence, step, step_reason, due_at, rounds_failed, cost)
), reserved AS MATERIALIZED (
    SELECT a.id, a.cost FROM told AS t JOIN attempts AS a ON a.id = t.id
), ended AS (
    UPDATE attempts AS a
    SET ended_at = t.ended_at, dialed_at = t.dialed_at, rang_at = t.rang_at,
        answered_at = t.answered_at, bridged_at = t.bridged_at, disposition = t.disposition,
        charged = t.charged, number_charged = t.number_charged, cause = t.cause, q850 = t.q850,
        sip_status = t.sip_status, sip_phrase = t.sip_phrase, sip_reason = t.sip_reason,
        sip_call_id = t.sip_call_id, hung_up_by = t.hung_up_by, ring_ms = t.ring_ms,
        early_media_ms = t.early_media_ms, wait_ms = t.wait_ms, talk_ms = t.talk_ms,
        short_answer = t.short_answer, operator = coalesce(t.operator, a.operator),
        stop_reason = t.stop_reason, opt_out_key = a.opt_out_key OR t.opt_out_key,
        evidence = t.evidence::jsonb, next_step = t.step, next_reason = t.step_reason,
        entry = NULL, cost = t.cost
    FROM told AS t
    -- Open; told by the disposition, so that the planner goes by the id and not through the
    -- index of open attempts, which holds the dead ones, too, until it is vacuumed.
    WHERE a.id = t.id AND a.disposition IS NULL
    RETURNING a.id, a.campaign, a.contact_id, a.phone_id, a.number, a.number_day, a.gateway,
        a.ended_at, a.charged, a.number_charged, a.disposition, a.short_answer, a.next_step,
        a.next_reason, t.due_at, t.rounds_failed, a.answered_at IS NOT NULL AS heard,
        t.suspect AND a.disposition = 'invalid_number' AS dead,
        a.disposition = 'unavailable' AS unavailable,
        a.answered_at, a.bridged_at, a.said_machine, a.budget_day, a.cost
), paid AS (
    -- What was held of the campaign's day makes way for what it cost.
    UPDATE campaign_days AS b SET calls = b.calls - t.calls, spent = b.spent + t.more
    FROM (
        SELECT e.campaign, e.budget_day, count(*) FILTER (WHERE NOT e.number_charged) AS calls,
            sum(e.cost - r.cost) AS more
        FROM ended AS e JOIN reserved AS r ON r.id = e.id
        GROUP BY e.campaign, e.budget_day
    ) AS t
    WHERE b.campaign = t.campaign AND b.day = t.budget_day
), placed AS MATERIALIZED (
    -- A dead phone makes way for the contact's next one that is still active.
    SELECT e.*, c.id AS campaign_id, c.default_zone, spare.phone_id AS spare_phone_id
    FROM ended AS e
    LEFT JOIN campaigns AS c ON c.name = e.campaign
    LEFT JOIN LATERAL (
        SELECT cp.phone_id
        FROM contact_phones AS cp JOIN phones AS p ON p.id = cp.phone_id
        WHERE e.next_step IN ('archive', 'review') AND cp.contact_id = e.contact_id
            AND cp.phone_id <> e.phone_id AND p.state = 'active'
        ORDER BY cp.position
        LIMIT 1
    ) AS spare ON true
), marked AS (
    UPDATE phones AS p
    SET dead_attempts = CASE WHEN e.heard THEN 0 ELSE p.dead_attempts + e.dead::integer END,
        dead_days = CASE
            WHEN e.heard THEN '{}'
            WHEN e.dead AND NOT e.day = ANY(p.dead_days) THEN array_append(p.dead_days, e.day)
            ELSE p.dead_days END,
        dead_gateways = CASE
            WHEN e.heard THEN '{}'
            WHEN e.dead AND NOT e.gateway = ANY(p.dead_gateways)
                THEN array_append(p.dead_gateways, e.gateway)
            ELSE p.dead_gateways END,
        unavailable_attempts = CASE
            WHEN e.heard THEN 0 ELSE p.unavailable_attempts + e.unavailable::integer END,
        short_answers = p.short_answers + e.short_answer::integer,
        state = CASE
            WHEN e.next_step = 'archive' THEN 'archived'
            WHEN e.next_step = 'review' AND p.state = 'active' THEN 'review'
            ELSE p.state END,
        state_reason = CASE
            WHEN e.next_step IN ('archive', 'review') THEN e.next_reason
            ELSE p.state_reason END,
        state_at = CASE
            WHEN e.next_step IN ('archive', 'review') THEN e.ended_at ELSE p.state_at END
    FROM (
        SELECT e.*, (e.ended_at AT TIME ZONE coalesce(z.zones[1], e.default_zone, 'UTC'))::date
            AS day
        FROM placed AS e JOIN phones AS z ON z.id = e.phone_id
    ) AS e
    WHERE p.id = e.phone_id
        AND (e.dead OR e.unavailable OR e.short_answer OR e.next_step IN ('archive', 'review')
            OR (e.heard AND (p.dead_attempts > 0 OR p.unavailable_attempts > 0)))
), told_of AS (
    UPDATE contacts AS p
    SET status = CASE
            WHEN e.next_step = 'check_list' THEN 'Inactive'
            WHEN p.status = 'New' AND e.charged THEN 'In progress'
            ELSE p.status END,
        last_contact_at = CASE
            WHEN e.disposition = 'talked' THEN greatest(p.last_contact_at, e.ended_at)
            ELSE p.last_contact_at END,
        updated_at = e.ended_at
    FROM placed AS e
    WHERE p.id = e.contact_id
        AND (e.next_step = 'check_list' OR e.disposition = 'talked'
            OR (p.status = 'New' AND e.charged))
    RETURNING p.id, e.campaign_id, e.ended_at
), credited AS (
    UPDATE number_days AS d SET dialed = d.dialed - t.calls
    FROM (
        SELECT number, number_day, count(*) AS calls FROM ended
        WHERE NOT number_charged GROUP BY number, number_day
    ) AS t
    WHERE d.number = t.number AND d.day = t.number_day
), queued AS (
    UPDATE queue_entries AS q
    SET state = CASE
            WHEN e.spare_phone_id IS NOT NULL OR e.next_step = 'retry' THEN 'waiting'
            ELSE e.next_step END,
        phone_id = coalesce(e.spare_phone_id, q.phone_id),
        due_at = coalesce(e.due_at, e.ended_at),
        held_reason = CASE
            WHEN e.spare_phone_id IS NOT NULL OR e.next_step = 'retry' THEN 'retry_later' END,
        tier = CASE WHEN e.charged THEN 2 ELSE q.tier END,
        rounds_failed = CASE
            WHEN e.spare_phone_id IS NOT NULL THEN 0 ELSE e.rounds_failed END,
        rescore_at = e.ended_at
    FROM placed AS e
    WHERE q.contact_id = e.contact_id AND q.campaign_id = e.campaign_id
        AND q.state = 'dialing'
), siblings AS (
    -- Two people on one phone stay two cards, but the phone has one pause: without this the
    -- second would be called right after the first. A round's longer pause is the first one's
    -- own; a hot lead has just asked to be called.
    UPDATE queue_entries AS q
    SET state = 'waiting', held_reason = 'retry_later',
        due_at = greatest(CASE WHEN q.state = 'waiting' THEN q.due_at END,
            least(e.due_at, e.ended_at + interval '1 day'))
    FROM placed AS e
    JOIN contact_phones AS cp ON cp.phone_id = e.phone_id AND cp.contact_id <> e.contact_id
    WHERE e.charged AND e.next_step = 'retry' AND q.contact_id = cp.contact_id
        AND q.campaign_id = e.campaign_id AND q.phone_id = e.phone_id AND q.tier > 0
        AND q.state IN ('due', 'waiting')
), rescored AS (
    -- Status and last contact have changed: the scores in the other campaigns, too.
    UPDATE queue_entries AS q SET rescore_at = t.ended_at
    FROM told_of AS t
    WHERE q.contact_id = t.id AND q.campaign_id IS DISTINCT FROM t.campaign_id
        AND q.state IN ('due', 'waiting')
), counted AS (
    -- The abandonment cap's books (0010): once for each answered call, with its one result. In
    -- the rows' order, so that two daemons do not wait for each other.
    INSERT INTO abandonment_counts AS k (campaign, quarter, answered, connected, abandoned,
        early_hang_ups, machines)
    SELECT campaign, date_bin('15 minutes', answered_at, 'epoch') AS quarter, count(*),
        count(*) FILTER (WHERE disposition = 'talked'),
        count(*) FILTER (WHERE disposition = 'abandoned'
            OR (disposition = 'lost' AND bridged_at IS NULL)),
        count(*) FILTER (WHERE disposition = 'short_hangup'),
        count(*) FILTER (WHERE disposition = 'talked' AND said_machine)
    FROM ended WHERE answered_at IS NOT NULL
    GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (campaign, quarter) DO UPDATE
    SET answered = k.answered + excluded.answered,
        connected = k.connected + excluded.connected,
        abandoned = k.abandoned + excluded.abandoned,
        early_hang_ups = k.early_hang_ups + excluded.early_hang_ups,
        machines = k.machines + excluded.machines
), noted AS (
    INSERT INTO list_moves (at, campaign, contact_id, phone_id, moved_to, reason, attempt_id)
    SELECT e.ended_at, e.campaign, e.contact_id, e.phone_id, e.next_step, e.next_reason, e.id
    FROM placed AS e WHERE e.next_step IN ('check_list', 'review', 'archive')
)
SELECT id::text FROM ended;

-- name: dispose(id, operator, result, status, tags, summary, machine, at)
-- What the operator says that a talk came to (R4.8); the contact takes over status and tags. A
-- machine leaves the cap's live answers, or comes back where he corrects himself; of a call that
-- has not ended yet the ending counts it.
WITH before AS (
    SELECT id, campaign, answered_at, said_machine,
        disposition = 'talked' AND answered_at IS NOT NULL AS counted
    FROM attempts WHERE id = :id::uuid FOR NO KEY UPDATE
), disposed AS (
    UPDATE attempts AS a
    SET operator = :operator::text, result = :result::text, tags = :tags::text[],
        summary = :summary::text, disposed_at = :at::timestamptz,
        said_machine = :machine::boolean
    FROM before AS b WHERE a.id = b.id
    RETURNING a.contact_id
), recounted AS (
    UPDATE abandonment_counts AS k
    SET machines = k.machines + :machine::boolean::integer - b.said_machine::integer
    FROM before AS b
    WHERE b.counted AND b.said_machine <> :machine::boolean AND k.campaign = b.campaign
        AND k.quarter = date_bin('15 minutes', b.answered_at, 'epoch')
), told_of AS (
    UPDATE contacts AS c
    SET status = coalesce(:status::text, c.status),
        tags = ARRAY(SELECT DISTINCT tag FROM unnest(c.tags || :tags::text[]) AS t (tag)
            ORDER BY tag),
        updated_at = :at::timestamptz
    FROM disposed AS d WHERE c.id = d.contact_id
    RETURNING c.id
), rescored AS (
    UPDATE queue_entries AS q SET rescore_at = :at::timestamptz
    FROM told_of AS t WHERE q.contact_id = t.id AND q.state IN ('due', 'waiting')
)
SELECT count(*) FROM disposed;
