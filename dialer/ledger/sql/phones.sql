-- The only statements that touch `digits`; only ledger/phones.py runs them.

-- name: lock_phones(ids)
-- Lock these phones in the order of their ids and read their digits. A stop locks the same row,
-- so it is strictly before (seen by the next statement) or after (its caller then waits for us).
SELECT id, lookup_key, digits, zones FROM phones WHERE id = ANY(:ids::bigint[]) ORDER BY id
FOR NO KEY UPDATE;

-- name: find_phone(key)
-- The phone with this lookup key.
SELECT id FROM phones WHERE lookup_key = :key::bytea;

-- name: add_phone(key, digits)!
-- A phone of which nothing is known but its number.
INSERT INTO phones (lookup_key, digits) VALUES (:key::bytea, :digits::text)
ON CONFLICT (lookup_key) DO NOTHING;

-- name: fill_digits(key, digits)!
-- Of a phone that a restored base knew by its digest only (ledger/words.py).
UPDATE phones SET digits = :digits::text
WHERE lookup_key = :key::bytea AND digits = '' AND state = 'active';

-- name: is_without_digits(key)
-- Of an erased one they are never filled in again: it is archived.
SELECT EXISTS (SELECT FROM phones
    WHERE lookup_key = :key::bytea AND digits = '' AND state = 'active');

-- name: fill_staged()!
-- The same for a batch; there is hardly ever one.
UPDATE phones AS p SET digits = s.digits
FROM staged_phones AS s
WHERE p.lookup_key = s.lookup_key AND p.digits = '' AND p.state = 'active';

-- name: read_digits(ids)
-- For a person who may see them (CLI, exports).
SELECT id, lookup_key, digits FROM phones WHERE id = ANY(:ids::bigint[]);

-- name: create_staging()#
-- Staging of one import's batch: unlogged by nature, gone with the connection.
CREATE TEMP TABLE staged_phones (
    line integer NOT NULL,
    place smallint NOT NULL,
    lookup_key bytea NOT NULL,
    digits text NOT NULL,
    kind text,
    region text,
    carrier text,
    zones text[] NOT NULL,
    extension text
);

-- name: copy_staged()#
-- Rows of `staged_values`.
COPY staged_phones (line, place, lookup_key, digits, kind, region, carrier, zones, extension)
FROM STDIN;

-- name: add_staged()
-- New phones; a number twice in the batch makes one row. In the order of the keys, so that two
-- imports at once do not wait for each other.
INSERT INTO phones (lookup_key, digits, kind, region, carrier, zones)
SELECT DISTINCT ON (s.lookup_key) s.lookup_key, s.digits, s.kind, s.region, s.carrier, s.zones
FROM staged_phones AS s
WHERE NOT EXISTS (SELECT FROM phones AS p WHERE p.lookup_key = s.lookup_key)
ORDER BY s.lookup_key, s.line, s.place
ON CONFLICT (lookup_key) DO NOTHING;

-- name: complete_known()!
-- What an older row did not know of its phone; what it knew stays. Locked in the order of the ids,
-- as the intents lock them.
WITH better AS (
    SELECT DISTINCT ON (l.phone_id) l.phone_id, s.kind, s.region, s.carrier, s.zones
    FROM staged_links AS l
    JOIN staged_phones AS s ON s.line = l.line AND s.place = l.place
    WHERE l.lacks
    ORDER BY l.phone_id, l.line, l.place
), locked AS MATERIALIZED (
    SELECT p.id FROM phones AS p WHERE p.id IN (SELECT phone_id FROM better)
    ORDER BY p.id FOR NO KEY UPDATE
)
UPDATE phones AS p
SET kind = coalesce(p.kind, b.kind), region = coalesce(p.region, b.region),
    carrier = coalesce(p.carrier, b.carrier),
    zones = CASE WHEN p.zones = '{}' THEN b.zones ELSE p.zones END
FROM locked AS k JOIN better AS b ON b.phone_id = k.id
WHERE p.id = k.id;

-- name: clear_staged()#
-- Before the next batch.
TRUNCATE staged_phones;
