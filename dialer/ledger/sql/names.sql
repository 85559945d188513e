-- The lock that makes a daemon the only one of its name, and who holds it.

-- name: call_me(who)
-- What others read of us in pg_stat_activity.
SELECT set_config('application_name', :who::text, false);

-- name: take_name(name)
-- Never waits; belongs to the session until its end.
SELECT pg_try_advisory_lock(hashtextextended('dialer daemon ' || :name::text, 0));

-- name: still_there()
SELECT 1;

-- name: who_has_name(name)
-- An advisory lock's 64 bits stand in two columns of pg_locks.
SELECT coalesce(nullif(a.application_name, ''), 'process ' || a.pid || ' of the database')
FROM (SELECT hashtextextended('dialer daemon ' || :name::text, 0) AS key) AS k
JOIN pg_locks AS l
    ON l.locktype = 'advisory'
    AND l.objsubid = 1
    AND l.granted
    AND l.classid = ((k.key >> 32) & 4294967295)::oid
    AND l.objid = (k.key & 4294967295)::oid
JOIN pg_database AS d ON d.oid = l.database AND d.datname = current_database()
JOIN pg_stat_activity AS a ON a.pid = l.pid;
