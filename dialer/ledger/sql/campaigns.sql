-- name: find_or_add_list(list)
-- The list's id; a campaign may be written before its list is imported.
WITH added AS (
    INSERT INTO lists (name) VALUES (:list::text) ON CONFLICT (name) DO NOTHING RETURNING id
)
SELECT id FROM added UNION ALL SELECT id FROM lists WHERE name = :list::text LIMIT 1;

-- name: lock_campaign(name)
-- As it is saved, for the one who saves it anew. Enrolling takes the same lock.
SELECT id, list_id, revision, scored, definition, enrolled_to FROM campaigns
WHERE name = :name::text FOR NO KEY UPDATE;

-- name: save_campaign(name, list_id, purpose, zone, scored, definition, revision, active, at)!
-- Upsert of one definition; the queue is another step.
INSERT INTO campaigns (name, list_id, purpose, default_zone, scored, definition, revision,
    active, saved_at)
VALUES (:name::text, :list_id::integer, :purpose::text, :zone::text, :scored::boolean,
    :definition::jsonb, :revision::text, :active::boolean, :at::timestamptz)
ON CONFLICT (name) DO UPDATE
SET list_id = excluded.list_id, purpose = excluded.purpose,
    default_zone = excluded.default_zone, scored = excluded.scored,
    definition = excluded.definition, revision = excluded.revision, active = excluded.active,
    saved_at = excluded.saved_at,
    enrolled_to = CASE
        WHEN campaigns.list_id = excluded.list_id THEN campaigns.enrolled_to ELSE 0 END;

-- name: leave_list(name)
-- Entries whose contact is not on the campaign's list any more rest; hot leads came without it.
UPDATE queue_entries AS q SET state = 'off_list', held_reason = NULL
FROM campaigns AS c
WHERE c.name = :name::text AND q.campaign_id = c.id AND q.state IN ('due', 'waiting')
    AND q.tier <> 0
    AND NOT EXISTS (
        SELECT FROM list_entries AS l
        WHERE l.list_id = c.list_id AND l.contact_id = q.contact_id);

-- name: return_to_list(name)
-- Back on the list: the entry goes on where it stood.
UPDATE queue_entries AS q SET state = 'waiting'
FROM campaigns AS c
WHERE c.name = :name::text AND q.campaign_id = c.id AND q.state = 'off_list'
    AND EXISTS (
        SELECT FROM list_entries AS l
        WHERE l.list_id = c.list_id AND l.contact_id = q.contact_id);

-- name: rescore_all(name, at)!
-- The rules have changed: every entry that may yet be dialed is scored anew.
UPDATE queue_entries AS q SET rescore_at = :at::timestamptz
FROM campaigns AS c
WHERE c.name = :name::text AND q.campaign_id = c.id AND q.state IN ('due', 'waiting');

-- name: drop_scores(name)!
-- The campaign goes by the list's order now.
UPDATE queue_entries AS q SET score = 0, rescore_at = NULL
FROM campaigns AS c
WHERE c.name = :name::text AND q.campaign_id = c.id
    AND (q.score <> 0 OR q.rescore_at IS NOT NULL);

-- name: of_list(list)
-- The active campaigns that dial this list.
SELECT c.name, c.definition FROM campaigns AS c JOIN lists AS l ON l.id = c.list_id
WHERE l.name = :list::text AND c.active;

-- name: not_enrolled(list_id, after, most)
-- The list's next entries behind those already enrolled, with what the rules look at. The phone
-- is the first one that is active, else the first.
SELECT l.position, c.id, (
        SELECT cp.phone_id FROM contact_phones AS cp JOIN phones AS p ON p.id = cp.phone_id
        WHERE cp.contact_id = c.id
        ORDER BY p.state <> 'active', cp.position LIMIT 1),
    c.status, c.source, c.region, c.segment, c.tags, c.last_contact_at, c.added_at, c.fields
FROM list_entries AS l
JOIN contacts AS c ON c.id = l.contact_id
WHERE l.list_id = :list_id::integer AND l.position > :after::integer
ORDER BY l.position
LIMIT :most::integer;

-- name: enrol(campaign_id, contacts, phones, positions, scores, next_changes, to_position)
-- New entries; a contact that is enrolled already (a hot lead) stays as it is.
WITH added AS (
    INSERT INTO queue_entries (contact_id, campaign_id, phone_id, position, score, rescore_at)
    SELECT t.contact_id, :campaign_id::integer, t.phone_id, t.position, t.score, t.next_change
    FROM unnest(:contacts::bigint[], :phones::bigint[], :positions::integer[],
        :scores::integer[], :next_changes::timestamptz[])
        AS t (contact_id, phone_id, position, score, next_change)
    WHERE t.phone_id IS NOT NULL
    ON CONFLICT (contact_id, campaign_id) DO NOTHING
    RETURNING contact_id
), reached AS (
    UPDATE campaigns SET enrolled_to = greatest(enrolled_to, :to_position::integer)
    WHERE id = :campaign_id::integer
)
SELECT count(*) FROM added;

-- name: enrol_in_order(campaign_id, list_id, after, most)
-- The same without scores, wholly in the database.
WITH part AS MATERIALIZED (
    SELECT l.position, l.contact_id FROM list_entries AS l
    WHERE l.list_id = :list_id::integer AND l.position > :after::integer
    ORDER BY l.position LIMIT :most::integer
), added AS (
    INSERT INTO queue_entries (contact_id, campaign_id, phone_id, position)
    SELECT t.contact_id, :campaign_id::integer, f.phone_id, t.position
    FROM part AS t
    CROSS JOIN LATERAL (
        SELECT cp.phone_id FROM contact_phones AS cp JOIN phones AS p ON p.id = cp.phone_id
        WHERE cp.contact_id = t.contact_id
        ORDER BY p.state <> 'active', cp.position LIMIT 1) AS f
    ON CONFLICT (contact_id, campaign_id) DO NOTHING
    RETURNING contact_id
), reached AS (
    UPDATE campaigns
    SET enrolled_to = greatest(enrolled_to, (SELECT max(position) FROM part))
    WHERE id = :campaign_id::integer
)
SELECT (SELECT count(*) FROM added), (SELECT max(position) FROM part);

-- name: add_hot_lead(campaign, contact, at)
-- Ahead of the queue and due at once (R3.5). Who is being called now stays in that call; who is
-- on the stop list or without consent is refused by the intent as everybody is.
WITH place AS (
    UPDATE campaigns SET next_hot = next_hot + 1 WHERE name = :campaign::text
    RETURNING id, next_hot - 1 AS position
), phone AS (
    SELECT cp.phone_id FROM contact_phones AS cp JOIN phones AS p ON p.id = cp.phone_id
    WHERE cp.contact_id = :contact::bigint
    ORDER BY p.state <> 'active', cp.position LIMIT 1
)
INSERT INTO queue_entries AS q (contact_id, campaign_id, phone_id, tier, position, state, due_at,
    rescore_at)
SELECT :contact::bigint, place.id, phone.phone_id, 0, place.position, 'due',
    :at::timestamptz, :at::timestamptz
FROM place CROSS JOIN phone
ON CONFLICT (contact_id, campaign_id) DO UPDATE
SET tier = 0, due_at = excluded.due_at, held_reason = NULL, rounds_failed = 0,
    state = CASE WHEN q.state = 'dialing' THEN q.state ELSE 'due' END;

-- name: notify_work(campaign)
-- Wakes every daemon's feeder when this transaction commits.
SELECT pg_notify('dialer_work', :campaign::text);
