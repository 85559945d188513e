-- Who a person is: name, e-mail, address, note of a card, sealed for the card (ledger/identity.py).

-- name: create_staging()#
-- Of one import's batch, once the rows' cards are known.
CREATE TEMP TABLE staged_people (
    line integer NOT NULL, name text, email text, address text, note text
);

-- name: clear_staged()#
-- Before the next batch.
TRUNCATE staged_people;

-- name: lines()
-- Which card each row is about.
SELECT line, contact_id FROM staged_cards;

-- name: copy_staged()#
-- Rows of `stage`.
COPY staged_people (line, name, email, address, note) FROM STDIN;

-- name: measure()#
-- Nobody analyses temporary tables by himself.
ANALYZE staged_people (line);

-- name: stale_cards(prefix)
-- Older cards of the batch with text that the first key has not sealed: compared with fresh text
-- as they are, they would all seem to have changed. OFFSET 0: one look-up for each, never the
-- whole base.
SELECT o.contact_id, o.name, o.email, o.address, o.note
FROM (SELECT DISTINCT contact_id FROM staged_cards WHERE NOT is_new) AS c
CROSS JOIN LATERAL (
    SELECT i.* FROM contact_identity AS i WHERE i.contact_id = c.contact_id OFFSET 0
) AS o
WHERE NOT starts_with(nullif(o.name, ''), :prefix::text)
    OR NOT starts_with(nullif(o.email, ''), :prefix::text)
    OR NOT starts_with(nullif(o.address, ''), :prefix::text)
    OR NOT starts_with(nullif(o.note, ''), :prefix::text)
ORDER BY o.contact_id;

-- name: read_cards(contacts)
-- For a person's eyes.
SELECT contact_id, name, email, address, note FROM contact_identity
WHERE contact_id = ANY(:contacts::bigint[]);

-- name: write_card(contact, name, email, address, note)!
-- Sealed afresh.
UPDATE contact_identity
SET name = :name::text, email = :email::text, address = :address::text, note = :note::text
WHERE contact_id = :contact::bigint;
