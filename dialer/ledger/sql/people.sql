-- name: phone_facts(phone)
-- What the base knows of the phone itself.
SELECT state, state_reason, state_at, kind, region, carrier, zones FROM phones
WHERE id = :phone::bigint;

-- name: contacts_of(phone)
-- The cards on which it stands.
SELECT c.id, c.segment, c.windows FROM contact_phones AS h JOIN contacts AS c
    ON c.id = h.contact_id
WHERE h.phone_id = :phone::bigint ORDER BY c.id;

-- name: past_of(phone, contact, since)
-- Earlier attempts of the phone and of the contact, the latest first.
SELECT committed_at, charged, disposition, ended_at, phone_id = :phone::bigint,
    contact_id = :contact::bigint
FROM attempts
WHERE (phone_id = :phone::bigint OR contact_id = :contact::bigint)
    AND committed_at >= :since::timestamptz
ORDER BY committed_at DESC;

-- name: shown_of(contact)
-- What an operator reads before he calls, beside the person himself.
SELECT c.status, c.source, c.segment, c.region, c.tags, c.last_contact_at, c.fields
FROM contacts AS c WHERE c.id = :contact::bigint;

-- name: entry_of(contact, campaign)
-- Where the contact stands in the campaign's queue.
SELECT q.state, nullif(q.due_at, '-infinity'), q.held_reason, q.phone_id, q.position, q.tier
FROM queue_entries AS q JOIN campaigns AS c ON c.id = q.campaign_id
WHERE q.contact_id = :contact::bigint AND c.name = :campaign::text;

-- name: attempts_of(phone)
-- Every attempt on this phone, the oldest first.
SELECT id::text FROM attempts WHERE phone_id = :phone::bigint ORDER BY committed_at;
