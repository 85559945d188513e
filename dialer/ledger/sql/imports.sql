-- One batch of an import, set by set, in one transaction. Staging tables are temporary: unlogged.
--   staged_rows   the file's rows        staged_phones  their phones (phones.sql)
--   staged_links  phone ids of the rows, and what keeps one out
--   staged_owned  which of them stand already on a card of the row's name, or will by an earlier
--                 row of the batch (contact_id is null then)
--   staged_labels which rows speak of one person
--   staged_cards  the card of each row that is not kept out; ordinal 1 = the card's first row here
--   touched       older cards that an earlier row of this import has brought up to date
--   staged_people  name, e-mail, address and note, sealed for those cards (identity.sql)
--   staged_changes  older cards that this batch changed

-- name: create_staging()#
-- Once for an import.
CREATE TEMP TABLE staged_rows (
    line integer NOT NULL,
    name_key bytea NOT NULL,
    region text,
    source text,
    added_at timestamptz,
    status text,
    segment text,
    tags text[] NOT NULL,
    fields jsonb NOT NULL,
    windows jsonb NOT NULL,
    purpose text,
    given_at timestamptz,
    expires_at timestamptz,
    text_version text,
    evidence text
);
CREATE TEMP TABLE staged_links (
    line integer NOT NULL, place smallint NOT NULL, phone_id bigint NOT NULL, extension text,
    region text, barred text, lacks boolean NOT NULL, is_new boolean NOT NULL
);
CREATE TEMP TABLE staged_owned (
    line integer NOT NULL, place smallint NOT NULL, contact_id bigint, first_line integer
);
CREATE TEMP TABLE staged_labels (
    line integer NOT NULL, name_key bytea NOT NULL, label bigint NOT NULL
);
CREATE TEMP TABLE staged_cards (
    line integer NOT NULL, contact_id bigint NOT NULL, is_new boolean NOT NULL,
    ordinal integer NOT NULL
);
CREATE TEMP TABLE touched (contact_id bigint PRIMARY KEY);
CREATE TEMP TABLE staged_changes (contact_id bigint NOT NULL);
-- name: clear_staging()#
-- Before the next batch; `touched` lives as long as the import.
TRUNCATE staged_rows, staged_links, staged_owned, staged_labels, staged_cards, staged_changes;

-- name: lock_imports()
-- One batch at a time: two imports would make two cards of one person.
SELECT pg_advisory_xact_lock(1751215221);

-- name: copy_rows()#
-- The file's rows.
COPY staged_rows (line, name_key, region, source, added_at, status, segment,
    tags, fields, windows, purpose, given_at, expires_at, text_version, evidence)
FROM STDIN;

-- name: link_phones(at, last_phone)
-- The phones' ids, whether a row knows more of one than the base, and whether it came with this
-- batch. Archived ones and those that are never to be called make no card.
INSERT INTO staged_links (line, place, phone_id, extension, region, is_new, lacks, barred)
SELECT s.line, s.place, p.id, s.extension, coalesce(p.region, s.region),
    p.id > :last_phone::bigint,
    (p.kind IS NULL AND s.kind IS NOT NULL) OR (p.region IS NULL AND s.region IS NOT NULL)
        OR (p.carrier IS NULL AND s.carrier IS NOT NULL)
        OR (p.zones = '{}' AND s.zones <> '{}'),
    CASE
        WHEN p.state = 'archived' THEN 'archived'
        WHEN EXISTS (
            SELECT FROM stops AS t
            WHERE t.phone_id = p.id AND t.removed_at IS NULL AND t.scope = 'global'
                AND t.category = 'never'
                AND (t.expires_at IS NULL OR t.expires_at > :at::timestamptz)) THEN 'stop'
    END
FROM staged_phones AS s JOIN phones AS p ON p.lookup_key = s.lookup_key;

-- name: measure_rows()#
-- Nobody analyses temporary tables by himself, and a wrong guess costs a minute a batch.
ANALYZE staged_rows (line, name_key, purpose), staged_links (line, phone_id, barred, lacks);

-- name: find_owned()!
-- Phones that stand on a card of the row's name. OFFSET 0 here and below: one look-up for each,
-- never the whole base.
INSERT INTO staged_owned
SELECT l.line, l.place, o.contact_id
FROM staged_links AS l
JOIN staged_rows AS r ON r.line = l.line
CROSS JOIN LATERAL (
    SELECT i.contact_id
    FROM contact_phones AS h JOIN contact_identity AS i ON i.contact_id = h.contact_id
    WHERE h.phone_id = l.phone_id AND i.name_key = r.name_key
    OFFSET 0
) AS o
WHERE l.barred IS NULL AND NOT l.is_new;

-- name: find_claimed()!
-- New phones of several rows of one name go where the first of them goes, though two of the rows
-- may have different cards by their other phones.
INSERT INTO staged_owned
SELECT t.line, t.place, NULL, t.first_line
FROM (
    SELECT l.line, l.place, min(l.line) OVER (PARTITION BY l.phone_id, r.name_key) AS first_line
    FROM staged_links AS l
    JOIN staged_rows AS r ON r.line = l.line
    WHERE l.barred IS NULL AND NOT EXISTS (
        SELECT FROM staged_owned AS o WHERE o.line = l.line AND o.place = l.place)
) AS t
WHERE t.first_line < t.line;

-- name: measure_cards()#
-- The same, of what came out.
ANALYZE staged_cards, staged_owned;

-- name: match_cards()
-- Rows whose name stands on one of their phones already have that card (label = its id; by the
-- first such phone). The others are labelled by their lines, above all ids.
INSERT INTO staged_labels (line, name_key, label)
WITH matched AS (
    SELECT DISTINCT ON (line) line, contact_id FROM staged_owned
    WHERE contact_id IS NOT NULL
    ORDER BY line, place, contact_id
)
SELECT r.line, r.name_key, coalesce(m.contact_id, 1099511627776 + r.line)
FROM staged_rows AS r LEFT JOIN matched AS m ON m.line = r.line
WHERE EXISTS (SELECT FROM staged_links AS l WHERE l.line = r.line AND l.barred IS NULL);

-- name: join_labels()!
-- Rows of one name that share a phone take the smallest label among them. Repeated until nothing
-- moves: a row with two phones may join two others.
UPDATE staged_labels AS s SET label = t.label
FROM (
    SELECT a.line, min(m.label) AS label
    FROM staged_labels AS a
    JOIN staged_links AS l ON l.line = a.line AND l.barred IS NULL
    JOIN (
        SELECT k.phone_id, b.name_key, min(b.label) AS label
        FROM staged_labels AS b JOIN staged_links AS k ON k.line = b.line
        WHERE k.barred IS NULL
        GROUP BY k.phone_id, b.name_key
        HAVING count(*) > 1
    ) AS m ON m.phone_id = l.phone_id AND m.name_key = a.name_key
    WHERE a.label > 1099511627776
    GROUP BY a.line
) AS t
WHERE s.line = t.line AND t.label < s.label;

-- name: follow_claims()!
-- A row whose first phone goes to an earlier row's card has that card, else it would have it the
-- next time, when that phone stands there: the same file again must find each row the same card.
-- Repeated until nothing moves: whom others follow may move himself.
UPDATE staged_labels AS s SET label = f.label
FROM staged_owned AS o
JOIN staged_labels AS f ON f.line = o.first_line
WHERE s.line = o.line AND s.label <> f.label AND NOT EXISTS (
    SELECT FROM staged_links AS l
    WHERE l.line = o.line AND l.place < o.place AND l.barred IS NULL);

-- name: number_cards()
-- New cards get their ids in the order of the file.
INSERT INTO staged_cards (line, contact_id, is_new, ordinal)
WITH numbered AS (
    SELECT t.label, nextval('contacts_id_seq') AS contact_id
    FROM (
        SELECT DISTINCT label FROM staged_labels WHERE label > 1099511627776 ORDER BY label
    ) AS t
)
SELECT s.line, coalesce(n.contact_id, s.label), n.contact_id IS NOT NULL,
    row_number() OVER (PARTITION BY s.label ORDER BY s.line)
FROM staged_labels AS s LEFT JOIN numbered AS n ON n.label = s.label;

-- name: kept_out()
-- Rows without a card, by what keeps out their first phone.
SELECT barred, count(*) FROM (
    SELECT DISTINCT ON (l.line) l.line, l.barred
    FROM staged_links AS l
    WHERE NOT EXISTS (SELECT FROM staged_cards AS c WHERE c.line = l.line)
    ORDER BY l.line, l.place
) AS t GROUP BY barred;

-- name: add_new_cards(source, at)
-- New cards by their first rows, in the order of the file: card, person, phones, consents. No
-- phone of theirs stands on a card of that name, else the row would have that card.
WITH fresh AS MATERIALIZED (
    SELECT c.contact_id, r.*, w.name, w.email, w.address, w.note
    FROM staged_cards AS c
    JOIN staged_rows AS r ON r.line = c.line
    JOIN staged_people AS w ON w.line = c.line
    WHERE c.is_new AND c.ordinal = 1
    ORDER BY c.line
), links AS MATERIALIZED (
    SELECT f.contact_id, l.* FROM fresh AS f JOIN staged_links AS l ON l.line = f.line
), cards AS (
    INSERT INTO contacts (id, status, segment, tags, source, region, fields, windows, added_at,
        updated_at)
    SELECT f.contact_id, coalesce(f.status, 'New'), f.segment, f.tags,
        coalesce(f.source, :source::text), coalesce(f.region, l.region), f.fields, f.windows,
        coalesce(f.added_at, :at::timestamptz), :at::timestamptz
    FROM fresh AS f JOIN links AS l ON l.line = f.line AND l.place = 0
), people AS (
    INSERT INTO contact_identity (contact_id, name_key, name, email, address, note)
    SELECT f.contact_id, f.name_key, f.name, f.email, f.address, f.note FROM fresh AS f
), theirs AS (
    INSERT INTO contact_phones (contact_id, phone_id, position, extension)
    SELECT l.contact_id, l.phone_id, l.place + 1, l.extension
    FROM links AS l WHERE l.barred IS NULL
), allowed AS (
    INSERT INTO consents (phone_id, contact_id, purpose, given_at, expires_at, text_version,
        evidence, source)
    SELECT l.phone_id, f.contact_id, f.purpose, f.given_at, f.expires_at, f.text_version,
        f.evidence, coalesce(f.source, :source::text)
    FROM fresh AS f JOIN links AS l ON l.line = f.line
    WHERE f.purpose IS NOT NULL AND l.barred IS NULL
    RETURNING 1
)
SELECT count(*) FROM allowed;

-- name: update_cards(ordinal, last_old, at)
-- Bring known cards up to date. The first row of this import that speaks of a card wins over what
-- stood there; further rows only fill what is still empty. Who changes a card leaves in `merges`
-- what it brought and what stood before. Status is the operators' and stays.
WITH told AS MATERIALIZED (
    SELECT r.*, w.name, w.email, w.address, w.note, c.contact_id,
        c.ordinal = 1 AND NOT c.is_new
            AND c.contact_id <= :last_old::bigint
            AND NOT EXISTS (
                SELECT FROM touched AS t WHERE t.contact_id = c.contact_id OFFSET 0) AS wins
    FROM staged_cards AS c
    JOIN staged_rows AS r ON r.line = c.line
    JOIN staged_people AS w ON w.line = c.line
    WHERE c.ordinal = :ordinal::integer AND NOT (c.is_new AND c.ordinal = 1)
), links AS (
    -- The rows' phones, and whether one of them stands on no card of that name yet.
    SELECT t.line, array_agg(l.phone_id ORDER BY l.place) AS phones,
        bool_or(w.line IS NULL AND NOT EXISTS (
            SELECT FROM contact_phones AS h
            JOIN contact_identity AS o ON o.contact_id = h.contact_id
            WHERE h.phone_id = l.phone_id AND o.name_key = t.name_key OFFSET 0)) AS brings
    FROM told AS t
    JOIN staged_links AS l ON l.line = t.line
    LEFT JOIN staged_owned AS w ON w.line = l.line AND w.place = l.place
    WHERE l.barred IS NULL
    GROUP BY t.line
), better AS MATERIALIZED (
    SELECT t.contact_id, t.line, t.source,
        k.region AS region_before, k.segment AS segment_before, k.tags AS tags_before,
        k.fields AS fields_before, k.windows AS windows_before,
        i.email AS email_before, i.address AS address_before, i.note AS note_before,
        CASE WHEN t.wins THEN coalesce(t.region, k.region)
            ELSE coalesce(k.region, t.region) END AS region,
        CASE WHEN t.wins THEN coalesce(t.segment, k.segment)
            ELSE coalesce(k.segment, t.segment) END AS segment,
        CASE WHEN t.tags <@ k.tags THEN k.tags ELSE ARRAY(
            SELECT DISTINCT tag FROM unnest(k.tags || t.tags) AS u (tag) ORDER BY tag)
            END AS tags,
        CASE WHEN t.wins THEN k.fields || t.fields ELSE t.fields || k.fields END AS fields,
        CASE WHEN t.windows = '[]' OR (k.windows <> '[]' AND NOT t.wins) THEN k.windows
            ELSE t.windows END AS windows,
        CASE WHEN t.wins THEN coalesce(t.email, i.email)
            ELSE coalesce(i.email, t.email) END AS email,
        CASE WHEN t.wins THEN coalesce(t.address, i.address)
            ELSE coalesce(i.address, t.address) END AS address,
        CASE WHEN t.wins THEN coalesce(t.note, i.note)
            ELSE coalesce(i.note, t.note) END AS note,
        t.name, t.region AS own_region, t.segment AS own_segment, t.tags AS own_tags,
        t.fields AS own_fields, t.windows AS own_windows, t.email AS own_email,
        t.address AS own_address, t.note AS own_note, s.phones AS own_phones, s.brings
    FROM told AS t
    JOIN links AS s ON s.line = t.line
    JOIN contacts AS k ON k.id = t.contact_id
    JOIN contact_identity AS i ON i.contact_id = t.contact_id
), changed AS MATERIALIZED (
    SELECT b.* FROM better AS b
    WHERE (b.region, b.segment, b.tags, b.fields, b.windows, b.email, b.address, b.note)
        IS DISTINCT FROM (b.region_before, b.segment_before, b.tags_before, b.fields_before,
            b.windows_before, b.email_before, b.address_before, b.note_before)
        OR b.brings
), cards AS (
    UPDATE contacts AS k
    SET region = b.region, segment = b.segment, tags = b.tags, fields = b.fields,
        windows = b.windows, updated_at = :at::timestamptz
    FROM changed AS b WHERE k.id = b.contact_id
), people AS (
    UPDATE contact_identity AS i
    SET email = b.email, address = b.address, note = b.note
    FROM changed AS b WHERE i.contact_id = b.contact_id
), scores AS (
    UPDATE queue_entries AS q SET rescore_at = :at::timestamptz
    FROM changed AS b
    WHERE q.contact_id = b.contact_id AND q.state IN ('due', 'waiting')
), logged AS (
    INSERT INTO merges (contact_id, at, source, line, brought, before, name, email, address,
        note, email_before, address_before, note_before)
    SELECT b.contact_id, :at::timestamptz, b.source, b.line,
        jsonb_build_object('region', b.own_region, 'segment', b.own_segment, 'tags', b.own_tags,
            'fields', b.own_fields, 'windows', b.own_windows,
            'phones', b.own_phones),
        jsonb_build_object('region', b.region_before, 'segment', b.segment_before,
            'tags', b.tags_before, 'fields', b.fields_before, 'windows', b.windows_before,
            'phones', ARRAY(
                SELECT h.phone_id FROM contact_phones AS h WHERE h.contact_id = b.contact_id
                ORDER BY h.position)),
        b.name, b.own_email, b.own_address, b.own_note,
        b.email_before, b.address_before, b.note_before
    FROM changed AS b
), noted AS (
    INSERT INTO staged_changes SELECT contact_id FROM changed
)
SELECT count(*) FROM changed;

-- name: add_contact_phones(ordinal, before)
-- Phones of known cards' nth rows, behind those that they have. A phone that stands on another
-- card of the same name stays there.
WITH wanted AS (
    SELECT DISTINCT ON (l.phone_id, r.name_key)
        c.contact_id, l.phone_id, l.extension, l.place, r.name_key
    FROM staged_cards AS c
    JOIN staged_links AS l ON l.line = c.line
    JOIN staged_rows AS r ON r.line = c.line
    WHERE l.barred IS NULL AND c.ordinal = :ordinal::integer
        AND NOT (c.is_new AND c.ordinal = 1)
        AND NOT EXISTS (
            SELECT FROM staged_owned AS w WHERE w.line = l.line AND w.place = l.place)
    ORDER BY l.phone_id, r.name_key, c.line, l.place
), missing AS MATERIALIZED (
    SELECT w.* FROM wanted AS w
    WHERE NOT EXISTS (
        SELECT FROM contact_phones AS h
        JOIN contact_identity AS o ON o.contact_id = h.contact_id
        WHERE h.phone_id = w.phone_id AND o.name_key = w.name_key OFFSET 0)
), added AS (
    INSERT INTO contact_phones (contact_id, phone_id, position, extension)
    SELECT m.contact_id, m.phone_id,
        coalesce((
            SELECT max(h.position) FROM contact_phones AS h
            WHERE h.contact_id = m.contact_id), 0)
        + row_number() OVER (PARTITION BY m.contact_id ORDER BY m.place),
        m.extension
    FROM missing AS m
    RETURNING contact_id
)
INSERT INTO staged_changes SELECT contact_id FROM added WHERE contact_id <= :before::bigint;

-- name: touch(last_old)!
-- Later rows of this import only fill gaps of these cards, and of those that it has made.
INSERT INTO touched
SELECT contact_id FROM staged_cards
WHERE NOT is_new AND ordinal = 1 AND contact_id <= :last_old::bigint
ON CONFLICT DO NOTHING;

-- name: list_cards(list_id, before)
-- Onto the list, behind those that stand there, in the order of the file. The list's row is locked
-- by its counter, so that positions become visible in their order.
WITH missing AS MATERIALIZED (
    SELECT c.contact_id, c.is_new, row_number() OVER (ORDER BY c.line) AS place
    FROM staged_cards AS c
    WHERE c.ordinal = 1 AND (c.is_new OR NOT EXISTS (
        SELECT FROM list_entries AS e
        WHERE e.list_id = :list_id::integer AND e.contact_id = c.contact_id))
), counted AS (
    UPDATE lists SET next_position = next_position + (SELECT count(*) FROM missing)
    WHERE id = :list_id::integer
    RETURNING next_position - (SELECT count(*) FROM missing) AS first_position
), added AS (
    INSERT INTO list_entries (list_id, contact_id, position)
    SELECT :list_id::integer, m.contact_id, n.first_position + m.place - 1
    FROM missing AS m CROSS JOIN counted AS n
    ORDER BY m.place
    RETURNING contact_id
), noted AS (
    INSERT INTO staged_changes SELECT contact_id FROM added WHERE contact_id <= :before::bigint
)
SELECT count(*) FROM added;

-- name: add_consents(source, before)
-- Of all rows but the new cards' first, for every phone that is not kept out; the same consent twice is one.
WITH added AS (
    INSERT INTO consents (phone_id, contact_id, purpose, given_at, expires_at, text_version,
        evidence, source)
    SELECT DISTINCT ON (l.phone_id, c.contact_id, r.purpose, r.given_at)
        l.phone_id, c.contact_id, r.purpose, r.given_at, r.expires_at, r.text_version,
        r.evidence, coalesce(r.source, :source::text)
    FROM staged_cards AS c
    JOIN staged_rows AS r ON r.line = c.line
    JOIN staged_links AS l ON l.line = c.line
    WHERE r.purpose IS NOT NULL AND l.barred IS NULL AND NOT (c.is_new AND c.ordinal = 1)
    ORDER BY l.phone_id, c.contact_id, r.purpose, r.given_at, c.line
    ON CONFLICT DO NOTHING
    RETURNING contact_id
), noted AS (
    INSERT INTO staged_changes SELECT contact_id FROM added WHERE contact_id <= :before::bigint
)
SELECT count(*) FROM added;

-- name: tally()
-- Rows of the batch by what became of them: added, merged (into a card of this batch, or not its
-- first row and bringing something), updated, unchanged.
SELECT
    count(*) FILTER (WHERE c.is_new AND c.ordinal = 1),
    count(*) FILTER (WHERE (c.is_new OR x.contact_id IS NOT NULL) AND c.ordinal > 1),
    count(*) FILTER (WHERE NOT c.is_new AND c.ordinal = 1 AND x.contact_id IS NOT NULL),
    count(*) FILTER (WHERE NOT c.is_new AND x.contact_id IS NULL)
FROM staged_cards AS c
LEFT JOIN (SELECT DISTINCT contact_id FROM staged_changes) AS x
    ON x.contact_id = c.contact_id;

-- name: last_contact()
-- Cards with greater ids are new.
SELECT coalesce(max(id), 0) FROM contacts;

-- name: last_phone()
-- Phones with greater ids are new.
SELECT coalesce(max(id), 0) FROM phones;

-- name: most_rows_of_a_card()
-- How many rows of this batch speak of one card, at most; and of an older one.
SELECT coalesce(max(ordinal), 0), coalesce(max(ordinal) FILTER (WHERE NOT is_new), 0)
FROM staged_cards;

-- name: contact_of_line(line)
-- The card of one row (a hot lead's).
SELECT contact_id FROM staged_cards WHERE line = :line::integer;

-- name: known_zones()
-- The zones that this server can reckon with.
SELECT name FROM pg_timezone_names;
