-- The data keys: which there are, what is sealed under each, and sealing everything under the first.

-- name: known_keys()
-- Those under which something was ever sealed here.
SELECT id, proof, retired_at FROM data_keys ORDER BY since, id;

-- name: note_key(id, proof, at)!
-- Before it seals for the first time, or again after it was retired.
INSERT INTO data_keys AS k (id, proof, since) VALUES (:id::text, :proof::bytea, :at::timestamptz)
ON CONFLICT (id) DO UPDATE SET retired_at = NULL
WHERE k.proof = excluded.proof AND k.retired_at IS NOT NULL;

-- name: retire_key(id, at)!
-- Nothing is sealed under it any more.
UPDATE data_keys SET retired_at = :at::timestamptz
WHERE id = :id::text AND retired_at IS NULL;

-- name: uses()
-- Texts by the key that sealed them ('' = in clear); a whole look through their tables.
SELECT CASE WHEN starts_with(t.text, chr(14)) THEN split_part(t.text, ':', 2) ELSE '' END,
    count(*)
FROM (
    SELECT digits AS text FROM phones
    UNION ALL
    SELECT u.text FROM contact_identity AS i
    CROSS JOIN LATERAL unnest(ARRAY[i.name, i.email, i.address, i.note]) AS u (text)
    UNION ALL
    SELECT u.text FROM merges AS m
    CROSS JOIN LATERAL unnest(ARRAY[m.name, m.email, m.address, m.note, m.email_before,
        m.address_before, m.note_before]) AS u (text)
    UNION ALL
    SELECT text FROM complaints
    UNION ALL
    SELECT evidence FROM consents
    UNION ALL
    SELECT summary FROM attempts
) AS t
WHERE t.text <> ''
GROUP BY 1;

-- name: uses_by_recordings()
-- The same of recordings: '' = in clear.
SELECT coalesce(sealed_under, ''), count(*) FROM recordings
WHERE state = 'kept' OR state = 'started' AND sealed_under IS NOT NULL GROUP BY 1;

-- name: seals_anything(prefix, key)
-- Is any text or any recording sealed under this key? Phones first: nearly always there.
SELECT EXISTS (SELECT FROM phones WHERE starts_with(digits, :prefix::text))
    OR EXISTS (SELECT FROM contact_identity WHERE starts_with(name, :prefix::text)
        OR starts_with(email, :prefix::text) OR starts_with(address, :prefix::text)
        OR starts_with(note, :prefix::text))
    OR EXISTS (SELECT FROM merges WHERE starts_with(name, :prefix::text)
        OR starts_with(email, :prefix::text) OR starts_with(address, :prefix::text)
        OR starts_with(note, :prefix::text) OR starts_with(email_before, :prefix::text)
        OR starts_with(address_before, :prefix::text) OR starts_with(note_before, :prefix::text))
    OR EXISTS (SELECT FROM complaints WHERE starts_with(text, :prefix::text))
    OR EXISTS (SELECT FROM consents WHERE starts_with(evidence, :prefix::text))
    OR EXISTS (SELECT FROM attempts WHERE starts_with(summary, :prefix::text))
    OR EXISTS (SELECT FROM recordings WHERE sealed_under = :key::text AND state IN ('started', 'kept'));

-- name: stale_phones(after, prefix, most)
-- Not sealed by the first key; locked in the order of their ids, as the intents lock them.
SELECT id, lookup_key, digits FROM phones
WHERE id > :after::bigint AND digits <> '' AND NOT starts_with(digits, :prefix::text)
ORDER BY id LIMIT :most::integer FOR NO KEY UPDATE;

-- name: write_phones(ids, texts)!
-- Sealed afresh.
UPDATE phones AS p SET digits = t.text
FROM unnest(:ids::bigint[], :texts::text[]) AS t (id, text) WHERE p.id = t.id;

-- name: stale_cards(after, prefix, most)
-- Who waits for a row here is an import or a split, which the imports' lock keeps away.
SELECT contact_id, contact_id, name, email, address, note FROM contact_identity
WHERE contact_id > :after::bigint AND (
    NOT starts_with(nullif(name, ''), :prefix::text)
    OR NOT starts_with(nullif(email, ''), :prefix::text)
    OR NOT starts_with(nullif(address, ''), :prefix::text)
    OR NOT starts_with(nullif(note, ''), :prefix::text))
ORDER BY contact_id LIMIT :most::integer FOR NO KEY UPDATE;

-- name: write_cards(ids, name, email, address, note)!
-- Sealed afresh.
UPDATE contact_identity AS i
SET name = t.name, email = t.email, address = t.address, note = t.note
FROM unnest(:ids::bigint[], :name::text[], :email::text[], :address::text[], :note::text[])
    AS t (id, name, email, address, note)
WHERE i.contact_id = t.id;

-- name: stale_merges(after, prefix, most)
-- The copies of what imports brought and found.
SELECT id, contact_id, name, email, address, note, email_before, address_before, note_before
FROM merges
WHERE id > :after::bigint AND (
    NOT starts_with(nullif(name, ''), :prefix::text)
    OR NOT starts_with(nullif(email, ''), :prefix::text)
    OR NOT starts_with(nullif(address, ''), :prefix::text)
    OR NOT starts_with(nullif(note, ''), :prefix::text)
    OR NOT starts_with(nullif(email_before, ''), :prefix::text)
    OR NOT starts_with(nullif(address_before, ''), :prefix::text)
    OR NOT starts_with(nullif(note_before, ''), :prefix::text))
ORDER BY id LIMIT :most::integer FOR NO KEY UPDATE;

-- name: write_merges(ids, name, email, address, note, email_before, address_before, note_before)!
-- Sealed afresh.
UPDATE merges AS m
SET name = t.name, email = t.email, address = t.address, note = t.note,
    email_before = t.email_before, address_before = t.address_before,
    note_before = t.note_before
FROM unnest(:ids::bigint[], :name::text[], :email::text[], :address::text[], :note::text[],
        :email_before::text[], :address_before::text[], :note_before::text[])
    AS t (id, name, email, address, note, email_before, address_before, note_before)
WHERE m.id = t.id;

-- name: stale_complaints(after, prefix, most)
-- What was said, sealed for the phone.
SELECT c.id, p.lookup_key, c.text FROM complaints AS c JOIN phones AS p ON p.id = c.phone_id
WHERE c.id > :after::bigint AND NOT starts_with(nullif(c.text, ''), :prefix::text)
ORDER BY c.id LIMIT :most::integer FOR NO KEY UPDATE OF c;

-- name: write_complaints(ids, texts)!
-- Sealed afresh.
UPDATE complaints AS c SET text = t.text
FROM unnest(:ids::bigint[], :texts::text[]) AS t (id, text) WHERE c.id = t.id;

-- name: stale_consents(after, prefix, most)
-- Their evidence, sealed for purpose and instant as ledger/consents.py binds it.
SELECT id, convert_to(purpose, 'UTF8') || '\x00'::bytea
    || convert_to((extract(epoch FROM given_at) * 1000000)::bigint::text, 'UTF8'), evidence
FROM consents
WHERE id > :after::bigint AND NOT starts_with(nullif(evidence, ''), :prefix::text)
ORDER BY id LIMIT :most::integer FOR NO KEY UPDATE;

-- name: write_consents(ids, texts)!
-- Sealed afresh.
UPDATE consents AS c SET evidence = t.text
FROM unnest(:ids::bigint[], :texts::text[]) AS t (id, text) WHERE c.id = t.id;

-- name: stale_summaries(after, prefix, most)
-- What operators noted of their talks.
SELECT id::text, uuid_send(id), summary FROM attempts
WHERE id > :after::uuid AND NOT starts_with(nullif(summary, ''), :prefix::text)
ORDER BY id LIMIT :most::integer FOR NO KEY UPDATE;

-- name: write_summaries(ids, texts)!
-- Sealed afresh.
UPDATE attempts AS a SET summary = t.text
FROM unnest(:ids::uuid[], :texts::text[]) AS t (id, text) WHERE a.id = t.id;

-- name: lock_imports()
-- The imports' own lock: an import that has read a text may write it back unsealed by us.
SELECT pg_advisory_xact_lock(1751215221);
