-- People's words, for the journal beside the database, and said again from it.

-- name: base_id()
-- The instant at which its first table was made: in every backup, however old, and in no other base.
SELECT to_char(applied_at AT TIME ZONE 'UTC', 'YYYYMMDD"T"HH24MISSUS') FROM migrations WHERE name = '0001_base';

-- name: head()
-- Where the stop list and the audit stand, in one look.
SELECT coalesce((SELECT last FROM stop_counter), 0),
    coalesce((SELECT last_link FROM audit_chain), 0);

-- name: proofs(stop, audit)
-- What proves that these numbers are still those changes.
SELECT coalesce((SELECT to_char(n.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US ')
            || encode(p.lookup_key, 'hex')
        FROM stop_changes AS n JOIN stops AS s ON s.seq = n.stop_seq
        JOIN phones AS p ON p.id = s.phone_id WHERE n.number = :stop::bigint), ''),
    coalesce((SELECT encode(a.hash, 'hex') FROM audit AS a WHERE a.link = :audit::bigint), '');

-- name: words(stop, stop_until, audit, audit_until)
-- What was said between two marks, in the order of time.
SELECT CASE n.change WHEN 'added' THEN 'stop' ELSE 'lifted' END AS kind,
    encode(p.lookup_key, 'hex'), n.at, s.channel, s.category, s.scope, s.scope_value,
    s.expires_at, NULL
FROM stop_changes AS n JOIN stops AS s ON s.seq = n.stop_seq JOIN phones AS p ON p.id = s.phone_id
WHERE n.number > :stop::bigint AND n.number <= :stop_until::bigint
UNION ALL
SELECT CASE a.what WHEN 'erased' THEN 'erased' ELSE 'withdrawn' END,
    encode(p.lookup_key, 'hex'), a.at, 'phone', 'never', 'global', NULL, NULL,
    a.details ->> 'purpose'
FROM audit AS a JOIN phones AS p ON p.id = substring(a.subject FROM '^phone ([0-9]+)$')::bigint
WHERE a.link > :audit::bigint AND a.link <= :audit_until::bigint
    AND a.what IN ('erased', 'consent withdrawn')
ORDER BY 3;

-- name: phone_of_digest(key)
-- Whose word it is.
SELECT id FROM phones WHERE lookup_key = :key::bytea;

-- name: add_digest(key)!
-- A phone that the backup did not know yet: its stop keeps it out of every list.
INSERT INTO phones (lookup_key, digits) VALUES (:key::bytea, '')
ON CONFLICT (lookup_key) DO NOTHING;
