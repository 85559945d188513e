-- Everything on a phone, and its erasure. Erasing runs in one transaction that holds the phones.

-- name: persons(phone)
-- The cards on which it stands, and their phones that stand on no other card.
WITH cards AS (
    SELECT contact_id FROM contact_phones WHERE phone_id = :phone::bigint
)
SELECT ARRAY(SELECT contact_id FROM cards ORDER BY 1),
    ARRAY(
        SELECT DISTINCT h.phone_id FROM contact_phones AS h
        WHERE h.contact_id IN (SELECT contact_id FROM cards) AND NOT EXISTS (
            SELECT FROM contact_phones AS o WHERE o.phone_id = h.phone_id
                AND o.contact_id NOT IN (SELECT contact_id FROM cards))
        UNION SELECT :phone::bigint ORDER BY 1);

-- name: everything(phones, contacts)
-- One JSON object; what is sealed is opened by rights.py, which takes out the lookup keys.
SELECT jsonb_build_object(
    'phones', (SELECT jsonb_agg(to_jsonb(p)) FROM phones AS p
        WHERE p.id = ANY(:phones::bigint[])),
    'contacts', (SELECT jsonb_agg(to_jsonb(c) || (to_jsonb(i) - 'name_key' - 'contact_id'))
        FROM contacts AS c JOIN contact_identity AS i ON i.contact_id = c.id
        WHERE c.id = ANY(:contacts::bigint[])),
    'lists', (SELECT jsonb_agg(jsonb_build_object('list', l.name, 'contact', e.contact_id))
        FROM list_entries AS e JOIN lists AS l ON l.id = e.list_id
        WHERE e.contact_id = ANY(:contacts::bigint[])),
    'merged_rows', (SELECT jsonb_agg(to_jsonb(m)) FROM merges AS m
        WHERE m.contact_id = ANY(:contacts::bigint[])),
    'consents', (SELECT jsonb_agg(to_jsonb(c)) FROM consents AS c
        WHERE c.phone_id = ANY(:phones::bigint[])),
    'withdrawals', (SELECT jsonb_agg(to_jsonb(w)) FROM withdrawals AS w
        WHERE w.phone_id = ANY(:phones::bigint[])),
    'complaints', (SELECT jsonb_agg(to_jsonb(c) || jsonb_build_object('lookup_key',
            p.lookup_key)) FROM complaints AS c JOIN phones AS p ON p.id = c.phone_id
        WHERE c.phone_id = ANY(:phones::bigint[])),
    'stops', (SELECT jsonb_agg(to_jsonb(s)) FROM stops AS s
        WHERE s.phone_id = ANY(:phones::bigint[])),
    'queues', (SELECT jsonb_agg(to_jsonb(q)) FROM queue_entries AS q
        WHERE q.contact_id = ANY(:contacts::bigint[])),
    'attempts', (SELECT jsonb_agg(to_jsonb(a) - 'entry' ORDER BY a.committed_at)
        FROM attempts AS a WHERE a.phone_id = ANY(:phones::bigint[])
            OR a.contact_id = ANY(:contacts::bigint[])),
    'recordings', (SELECT jsonb_agg(to_jsonb(r) - 'sha256') FROM recordings AS r
        JOIN attempts AS a ON a.id = r.attempt_id WHERE a.phone_id = ANY(:phones::bigint[])
            OR a.contact_id = ANY(:contacts::bigint[])),
    'list_moves', (SELECT jsonb_agg(to_jsonb(m)) FROM list_moves AS m
        WHERE m.contact_id = ANY(:contacts::bigint[])
            OR m.phone_id = ANY(:phones::bigint[])),
    'audit', (SELECT jsonb_agg(to_jsonb(a) - 'hash') FROM audit AS a
        WHERE a.subject = ANY(SELECT 'phone ' || p FROM unnest(:phones::bigint[]) AS t (p))));

-- name: attempts_of(phones, contacts)
-- Their ids, and whether a call is going on: by one index each, never by the whole table.
SELECT a.id, a.ended_at IS NULL FROM attempts AS a WHERE a.phone_id = ANY(:phones::bigint[])
UNION
SELECT a.id, a.ended_at IS NULL FROM attempts AS a WHERE a.contact_id = ANY(:contacts::bigint[]);

-- name: lock_imports()
-- No import may be adding to the cards.
SELECT pg_advisory_xact_lock(1751215221);

-- name: hold_attempts(attempts, presets, since, keep_s, laws)!
-- What a law orders to keep of the calls: when and on what ground, not what was said.
UPDATE attempts AS a
SET held_until = a.committed_at + make_interval(secs => l.keep_s), held_ground = l.law,
    summary = NULL, tags = '{}'
FROM unnest(:presets::text[], :since::timestamptz[], :keep_s::double precision[], :laws::text[])
    AS l (preset, since, keep_s, law)
WHERE a.id = ANY(:attempts::uuid[])
    AND a.grounds ->> 'preset' = l.preset AND a.committed_at > l.since;

-- name: hold_recordings(attempts, presets, since, keep_s, laws)!
-- The same of their files.
UPDATE recordings AS r
SET keep_until = r.started_at + make_interval(secs => l.keep_s), held_ground = l.law
FROM unnest(:presets::text[], :since::timestamptz[], :keep_s::double precision[], :laws::text[])
    AS l (preset, since, keep_s, law)
JOIN attempts AS a ON a.grounds ->> 'preset' = l.preset
WHERE a.id = ANY(:attempts::uuid[])
    AND r.attempt_id = a.id AND r.state IN ('started', 'kept') AND r.started_at > l.since;

-- name: hold_consents(attempts, presets, since, keep_s, laws)!
-- The proof, counted from its last use. Asked before the attempts go.
UPDATE consents AS c SET held_until = u.until, held_ground = u.law
FROM (
    SELECT DISTINCT ON (k.phone_id, k.contact_id, k.purpose, k.given_at) k.phone_id,
        k.contact_id, k.purpose, k.given_at, l.law,
        max(a.committed_at) + make_interval(secs => l.keep_s) AS until
    FROM unnest(:presets::text[], :since::timestamptz[], :keep_s::double precision[],
        :laws::text[]) AS l (preset, since, keep_s, law)
    JOIN attempts AS a ON a.grounds ->> 'preset' = l.preset AND a.committed_at > l.since
        AND a.id = ANY(:attempts::uuid[])
    JOIN consents AS k ON k.phone_id = a.phone_id AND k.purpose = a.grounds ->> 'purpose'
        AND k.given_at <= a.committed_at
    GROUP BY 1, 2, 3, 4, 5, l.keep_s
    ORDER BY 1, 2, 3, 4, 6 DESC
) AS u
WHERE (c.phone_id, c.contact_id, c.purpose, c.given_at)
    = (u.phone_id, u.contact_id, u.purpose, u.given_at);

-- name: release_recordings(attempts, at)
-- Files that nothing holds are due now: in whose folders they lie.
WITH due AS (
    UPDATE recordings AS r SET keep_until = least(r.keep_until, :at::timestamptz)
    FROM attempts AS a
    WHERE a.id = r.attempt_id AND r.state <> 'deleted' AND r.held_ground IS NULL
        AND a.id = ANY(:attempts::uuid[])
    RETURNING r.instance, r.state
)
SELECT instance, count(*) FROM due WHERE state IN ('started', 'kept') GROUP BY 1 ORDER BY 1;

-- name: erase_recordings(attempts)!
-- Rows without a file; the others go with their files.
DELETE FROM recordings
WHERE attempt_id = ANY(:attempts::uuid[]) AND held_ground IS NULL
    AND state IN ('missing', 'not_recorded', 'deleted');

-- name: held(phones, attempts)
-- What stays locked of these: kind, campaign (of a consent: its purpose), ground, rows, the first
-- and the last end.
WITH mine AS (
    SELECT id, campaign, held_ground, held_until FROM attempts
    WHERE id = ANY(:attempts::uuid[])
)
SELECT 'attempts', campaign, held_ground, count(*), min(held_until), max(held_until)
FROM mine WHERE held_until IS NOT NULL GROUP BY 1, 2, 3
UNION ALL
SELECT 'recordings', r.campaign, r.held_ground, count(*), min(r.keep_until), max(r.keep_until)
FROM recordings AS r JOIN mine AS m ON m.id = r.attempt_id
WHERE r.held_ground IS NOT NULL AND r.state <> 'deleted' GROUP BY 1, 2, 3
UNION ALL
SELECT 'consents', purpose, held_ground, count(*), min(held_until), max(held_until)
FROM consents WHERE phone_id = ANY(:phones::bigint[]) AND held_until IS NOT NULL
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3;

-- name: blank_cards(contacts, at)!
-- Cards of which something is held keep their id and nothing else.
UPDATE contacts AS c
SET status = 'Inactive', segment = NULL, tags = '{}', source = NULL, region = NULL,
    fields = '{}', windows = '[]', assigned_operator = NULL, erased_at = :at::timestamptz
WHERE c.id = ANY(:contacts::bigint[]) AND (
    EXISTS (SELECT FROM attempts AS a
        WHERE a.contact_id = c.id AND a.held_until IS NOT NULL)
    OR EXISTS (SELECT FROM consents AS k
        WHERE k.contact_id = c.id AND k.held_until IS NOT NULL));

-- name: strip_cards(contacts)!
-- All that hangs on a card that stays as an id.
WITH stays AS (
    SELECT id FROM contacts WHERE id = ANY(:contacts::bigint[]) AND erased_at IS NOT NULL
), of_identity AS (
    DELETE FROM contact_identity WHERE contact_id IN (SELECT id FROM stays)
), of_phones AS (
    DELETE FROM contact_phones WHERE contact_id IN (SELECT id FROM stays)
), of_lists AS (
    DELETE FROM list_entries WHERE contact_id IN (SELECT id FROM stays)
), of_queues AS (
    DELETE FROM queue_entries WHERE contact_id IN (SELECT id FROM stays)
), of_consents AS (
    DELETE FROM consents
    WHERE held_until IS NULL AND contact_id IN (SELECT id FROM stays)
), of_moves AS (
    DELETE FROM list_moves WHERE contact_id IN (SELECT id FROM stays)
)
DELETE FROM merges WHERE contact_id IN (SELECT id FROM stays);

-- name: keep_counters(attempts)
-- Of the attempts that go: nobody's counters.
INSERT INTO erased_attempts AS e (campaign, day, disposition, attempts, talk_ms)
SELECT campaign, (committed_at AT TIME ZONE 'UTC')::date, disposition, count(*),
    coalesce(sum(talk_ms), 0)
FROM attempts
WHERE held_until IS NULL AND id = ANY(:attempts::uuid[])
GROUP BY 1, 2, 3
ON CONFLICT (campaign, day, disposition) DO UPDATE
SET attempts = e.attempts + excluded.attempts, talk_ms = e.talk_ms + excluded.talk_ms;

-- name: erase_attempts(attempts)!
-- The result of each stands in the counters now.
DELETE FROM attempts WHERE held_until IS NULL AND id = ANY(:attempts::uuid[]);

-- name: loosen_merges(contacts)!
-- A card that was split off a card that goes stays.
UPDATE merges SET split_into = NULL WHERE split_into = ANY(:contacts::bigint[]);

-- name: erase_moves(phones)!
-- What the lists say of the phones.
DELETE FROM list_moves WHERE phone_id = ANY(:phones::bigint[]);

-- name: erase_contacts(contacts)!
-- Takes its rows along: identity, phones' links, lists, queues, merges, consents.
DELETE FROM contacts WHERE id = ANY(:contacts::bigint[]) AND erased_at IS NULL;

-- name: erase_consents(phones)!
-- Of whoever answers there, too.
DELETE FROM consents WHERE phone_id = ANY(:phones::bigint[]) AND held_until IS NULL;

-- name: erase_withdrawals(phones)!
-- The stop that stays says more.
DELETE FROM withdrawals WHERE phone_id = ANY(:phones::bigint[]);

-- name: erase_callers(phones)!
-- The calls by which he stopped us.
DELETE FROM caller_stops WHERE phone_id = ANY(:phones::bigint[]);

-- name: erase_complaints(phones)!
-- His words.
DELETE FROM complaints WHERE phone_id = ANY(:phones::bigint[]);

-- name: blank_origins(phones)!
-- Who said so may be a name.
UPDATE stops SET origin = 'erased' WHERE phone_id = ANY(:phones::bigint[]);

-- name: blank_changes(phones)!
-- The same where the changes are numbered.
UPDATE stop_changes AS n SET changed_by = 'erased'
FROM stops AS s WHERE s.seq = n.stop_seq AND s.phone_id = ANY(:phones::bigint[]);

-- name: blank_phones(phones, at)!
-- Of the number its keyed digest is left, which keeps it from being called or loaded again.
UPDATE phones
SET digits = '', kind = NULL, region = NULL, carrier = NULL, zones = '{}', state = 'archived',
    state_reason = 'erased', state_at = :at::timestamptz, dead_attempts = 0, dead_days = '{}',
    dead_gateways = '{}', unavailable_attempts = 0, short_answers = 0
WHERE id = ANY(:phones::bigint[]);

-- name: broken_links()
-- Rows of the audit whose digest is not that of their content and of the row before, or that
-- have no row before; the first ten.
WITH chained AS (
    SELECT a.link, a.hash, a, lag(a.hash, 1, ''::bytea) OVER w AS before,
        lag(a.link, 1, 0::bigint) OVER w AS link_before
    FROM audit AS a WHERE a.link IS NOT NULL WINDOW w AS (ORDER BY a.link)
)
SELECT link FROM chained
WHERE link_before <> link - 1 OR hash IS DISTINCT FROM audit_hash(before, a)
ORDER BY link LIMIT 10;

-- name: chain_end()
-- Where the chain ends by its own record, and the last row that is there.
SELECT coalesce((SELECT last_link FROM audit_chain), 0), coalesce(max(link), 0),
    count(*) FILTER (WHERE link IS NULL), count(*)
FROM audit;
