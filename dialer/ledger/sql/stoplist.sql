-- The stop list as a whole: read from a file, written to one, looked through.

-- name: create_staging()#
-- One batch of a file.
CREATE TEMP TABLE staged_stops (
    line integer NOT NULL, lookup_key bytea NOT NULL, digits text NOT NULL,
    change text NOT NULL, channel text NOT NULL, category text NOT NULL, scope text NOT NULL,
    scope_value text, added_at timestamptz NOT NULL, expires_at timestamptz,
    origin text NOT NULL, phone_id bigint
);

-- name: clear_staging()#
-- Before the next batch.
TRUNCATE staged_stops;

-- name: copy_staged()#
-- Rows of the file.
COPY staged_stops (line, lookup_key, digits, change, channel, category, scope, scope_value,
    added_at, expires_at, origin) FROM STDIN;

-- name: add_phones()
-- Numbers that stand on no list are stopped, too. In the order of the keys.
INSERT INTO phones (lookup_key, digits)
SELECT DISTINCT ON (s.lookup_key) s.lookup_key, s.digits FROM staged_stops AS s
WHERE s.change = 'added'
    AND NOT EXISTS (SELECT FROM phones AS p WHERE p.lookup_key = s.lookup_key)
ORDER BY s.lookup_key
ON CONFLICT (lookup_key) DO NOTHING;

-- name: find_phones()!
-- And measured: nobody analyses temporary tables by himself.
UPDATE staged_stops AS s SET phone_id = p.id FROM phones AS p WHERE p.lookup_key = s.lookup_key;

-- name: lock_phones()
-- In the order of their ids, as every intent locks them.
SELECT p.id FROM phones AS p WHERE p.id IN (SELECT phone_id FROM staged_stops)
ORDER BY p.id FOR NO KEY UPDATE;

-- name: add_staged(at, by)
-- New wishes, numbered without a gap; one that is in force already is not written again. Of
-- several words about one wish the file's last one counts.
WITH wanted AS (
    SELECT DISTINCT ON (s.phone_id, s.channel, s.category, s.scope, s.scope_value) s.*
    FROM staged_stops AS s
    WHERE s.change = 'added' AND s.phone_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM staged_stops AS l
        WHERE l.change = 'removed' AND l.phone_id = s.phone_id AND l.channel = s.channel
            AND l.scope = s.scope AND l.scope_value IS NOT DISTINCT FROM s.scope_value
            AND l.line > s.line
    ) AND NOT EXISTS (
        SELECT FROM stops AS k
        WHERE k.phone_id = s.phone_id AND k.removed_at IS NULL AND k.channel = s.channel
            AND k.category = s.category AND k.scope = s.scope
            AND k.scope_value IS NOT DISTINCT FROM s.scope_value
            AND (k.expires_at IS NULL OR k.expires_at >= s.expires_at))
    ORDER BY s.phone_id, s.channel, s.category, s.scope, s.scope_value,
        s.expires_at DESC NULLS FIRST
), fresh AS (
    INSERT INTO stops (phone_id, channel, category, scope, scope_value, added_at, expires_at,
        origin)
    SELECT w.phone_id, w.channel, w.category, w.scope, w.scope_value, w.added_at, w.expires_at,
        w.origin
    FROM wanted AS w ORDER BY w.line
    RETURNING seq
), counted AS (
    INSERT INTO stop_counter AS c (last)
    SELECT count(*) FROM fresh HAVING count(*) > 0
    ON CONFLICT (single) DO UPDATE SET last = c.last + excluded.last
    RETURNING last
)
INSERT INTO stop_changes (number, at, change, stop_seq, changed_by)
SELECT counted.last - count(*) OVER () + row_number() OVER (ORDER BY fresh.seq),
    :at::timestamptz, 'added', fresh.seq, :by::text
FROM fresh CROSS JOIN counted;

-- name: remove_staged(at, by)
-- Wishes that the other side has ended, and not made anew further down.
WITH ended AS (
    UPDATE stops AS k SET removed_at = :at::timestamptz
    FROM staged_stops AS s
    WHERE s.change = 'removed' AND k.phone_id = s.phone_id AND k.removed_at IS NULL
        AND k.channel = s.channel AND k.scope = s.scope
        AND k.scope_value IS NOT DISTINCT FROM s.scope_value
        AND NOT EXISTS (
            SELECT FROM staged_stops AS l
            WHERE l.change = 'added' AND l.phone_id = s.phone_id AND l.channel = s.channel
                AND l.scope = s.scope AND l.scope_value IS NOT DISTINCT FROM s.scope_value
                AND l.line > s.line)
    RETURNING k.seq
), counted AS (
    INSERT INTO stop_counter AS c (last)
    SELECT count(*) FROM ended HAVING count(*) > 0
    ON CONFLICT (single) DO UPDATE SET last = c.last + excluded.last
    RETURNING last
)
INSERT INTO stop_changes (number, at, change, stop_seq, changed_by)
SELECT counted.last - count(*) OVER () + row_number() OVER (ORDER BY ended.seq),
    :at::timestamptz, 'removed', ended.seq, :by::text
FROM ended CROSS JOIN counted;

-- name: being_called()
-- Phones of this batch that may be ringing now.
SELECT DISTINCT a.phone_id FROM attempts AS a
WHERE a.ended_at IS NULL AND a.answered_at IS NULL
    AND a.phone_id IN (SELECT phone_id FROM staged_stops WHERE change = 'added');

-- name: last_number(source)
-- Up to where this source's numbered lists have been taken over.
SELECT last_number FROM stop_sources WHERE source = :source::text;

-- name: note_number(source, number, at)!
-- Never backwards.
INSERT INTO stop_sources AS s (source, last_number, at)
VALUES (:source::text, :number::bigint, :at::timestamptz)
ON CONFLICT (source) DO UPDATE
SET last_number = greatest(s.last_number, excluded.last_number), at = excluded.at;

-- name: gaps(source)
-- Of its numbers, which have not come yet.
SELECT first, last FROM stop_gaps WHERE source = :source::text ORDER BY first;

-- name: close_gaps(source, firsts)!
-- They have come, or a part of them.
DELETE FROM stop_gaps WHERE source = :source::text AND first = ANY(:firsts::bigint[]);

-- name: open_gaps(source, firsts, lasts)!
-- Missing from now on, or still.
INSERT INTO stop_gaps (source, first, last)
SELECT :source::text, t.first, t.last
FROM unnest(:firsts::bigint[], :lasts::bigint[]) AS t (first, last);

-- name: changes(since, most)
-- What came after `since`, in the order in which it came.
SELECT n.number, n.change, n.at, s.phone_id, p.digits, s.channel, s.category, s.scope,
    s.scope_value, s.added_at, s.expires_at, s.origin, p.lookup_key
FROM stop_changes AS n JOIN stops AS s ON s.seq = n.stop_seq JOIN phones AS p ON p.id = s.phone_id
WHERE n.number > :since::bigint ORDER BY n.number LIMIT :most::integer;

-- name: in_force(at, after, most)
-- The list as it stands: entries in force behind `after`, in the order of their age.
SELECT s.seq, s.phone_id, p.digits, s.channel, s.category, s.scope, s.scope_value, s.added_at,
    s.expires_at, s.origin, s.audited_at, p.lookup_key
FROM stops AS s JOIN phones AS p ON p.id = s.phone_id
WHERE s.removed_at IS NULL AND (s.expires_at IS NULL OR s.expires_at > :at::timestamptz)
    AND s.seq > :after::bigint
ORDER BY s.seq LIMIT :most::integer;

-- name: to_be_audited(before, at, most)
-- Entries that nobody has looked at since then: has the number another owner, the owner another
-- mind? The oldest look first.
SELECT s.seq, s.phone_id, p.digits, s.channel, s.category, s.scope, s.scope_value, s.added_at,
    s.expires_at, s.origin, s.audited_at, p.lookup_key
FROM stops AS s JOIN phones AS p ON p.id = s.phone_id
WHERE s.removed_at IS NULL AND coalesce(s.audited_at, s.added_at) < :before::timestamptz
    AND (s.expires_at IS NULL OR s.expires_at > :at::timestamptz)
ORDER BY coalesce(s.audited_at, s.added_at), s.seq LIMIT :most::integer;

-- name: kept(phone, at)!
-- Looked at: the wish stands.
UPDATE stops SET audited_at = :at::timestamptz
WHERE phone_id = :phone::bigint AND removed_at IS NULL;

-- name: totals(at)
-- Entries in force by channel, category and scope; the last number.
SELECT channel, category, scope, count(*) FROM stops
WHERE removed_at IS NULL AND (expires_at IS NULL OR expires_at > :at::timestamptz)
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;

-- name: counter()
-- The number of the latest change.
SELECT last FROM stop_counter;
