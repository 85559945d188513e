-- name: last_merge(contact)
-- The card's latest merge that is not yet split off, locked with its card.
SELECT m.id, m.split_at FROM merges AS m JOIN contacts AS c ON c.id = m.contact_id
WHERE m.contact_id = :contact::bigint AND m.split_at IS NULL
ORDER BY m.id DESC LIMIT 1
FOR NO KEY UPDATE OF m, c;

-- name: split(merge, at)
-- A card of its own from what the row brought; the old card gets back what stood before. The new
-- card's name key is its own, so that the two are never found as one person again.
WITH merge AS (
    SELECT m.*, i.name AS card_name FROM merges AS m
    JOIN contact_identity AS i ON i.contact_id = m.contact_id WHERE m.id = :merge::bigint
), card AS (
    INSERT INTO contacts (segment, tags, source, region, fields, windows, added_at, updated_at)
    SELECT m.brought ->> 'segment',
        ARRAY(SELECT jsonb_array_elements_text(m.brought -> 'tags')),
        coalesce(m.source, c.source), m.brought ->> 'region', m.brought -> 'fields',
        m.brought -> 'windows', m.at, :at::timestamptz
    FROM merge AS m JOIN contacts AS c ON c.id = m.contact_id
    RETURNING id
), person AS (
    INSERT INTO contact_identity (contact_id, name_key, name, email, address, note)
    SELECT card.id, sha256(('split ' || card.id)::bytea), coalesce(m.name, m.card_name),
        m.email, m.address, m.note
    FROM merge AS m CROSS JOIN card
), phones_brought AS (
    SELECT t.phone::bigint AS phone_id, t.place
    FROM merge AS m, jsonb_array_elements_text(m.brought -> 'phones')
        WITH ORDINALITY AS t (phone, place)
), linked AS (
    INSERT INTO contact_phones (contact_id, phone_id, position)
    SELECT card.id, p.phone_id, p.place FROM phones_brought AS p CROSS JOIN card
), unlinked AS (
    DELETE FROM contact_phones AS h USING merge AS m
    WHERE h.contact_id = m.contact_id
        AND h.phone_id IN (SELECT phone_id FROM phones_brought)
        AND NOT m.before -> 'phones' @> to_jsonb(h.phone_id)
), allowed AS (
    INSERT INTO consents (phone_id, contact_id, purpose, given_at, expires_at, withdrawn_at,
        text_version, evidence, source)
    SELECT s.phone_id, card.id, s.purpose, s.given_at, s.expires_at, s.withdrawn_at,
        s.text_version, s.evidence, s.source
    FROM consents AS s JOIN merge AS m ON m.contact_id = s.contact_id CROSS JOIN card
    WHERE s.phone_id IN (SELECT phone_id FROM phones_brought)
), restored AS (
    UPDATE contacts AS c
    SET segment = m.before ->> 'segment',
        tags = ARRAY(SELECT jsonb_array_elements_text(m.before -> 'tags')),
        region = m.before ->> 'region', fields = m.before -> 'fields',
        windows = m.before -> 'windows', updated_at = :at::timestamptz
    FROM merge AS m WHERE c.id = m.contact_id
), person_restored AS (
    UPDATE contact_identity AS i
    SET email = m.email_before, address = m.address_before, note = m.note_before
    FROM merge AS m WHERE i.contact_id = m.contact_id
), queued AS (
    -- Entries that would dial a phone which has left the card dial the card's first one.
    UPDATE queue_entries AS q
    SET rescore_at = :at::timestamptz,
        phone_id = CASE
            WHEN m.before -> 'phones' @> to_jsonb(q.phone_id) THEN q.phone_id
            ELSE (m.before -> 'phones' ->> 0)::bigint END
    FROM merge AS m WHERE q.contact_id = m.contact_id
), marked AS (
    UPDATE merges AS m SET split_at = :at::timestamptz, split_into = card.id
    FROM card WHERE m.id = :merge::bigint
)
SELECT id FROM card;

-- name: join_lists(contact, of_contact)
-- The new card stands at the end of the lists on which the old one stands.
WITH counted AS (
    UPDATE lists AS l SET next_position = l.next_position + 1
    FROM list_entries AS e WHERE e.list_id = l.id AND e.contact_id = :of_contact::bigint
    RETURNING l.id, l.name, l.next_position - 1 AS position
), added AS (
    INSERT INTO list_entries (list_id, contact_id, position)
    SELECT id, :contact::bigint, position FROM counted
)
SELECT name FROM counted ORDER BY name;
