-- What pacing keeps in the ledger: the cap's counts, slices of its budget, estimates.

-- name: lock_budget(campaign)
-- One daemon at a time takes its slice: two that looked at once would both take all of it.
SELECT pg_advisory_xact_lock(hashtextextended('dialer pacing ' || :campaign::text, 0));

-- name: window_counts(campaign, since, until)
-- The window's books, and the quarter of its first answer.
SELECT coalesce(sum(answered), 0)::bigint, coalesce(sum(connected), 0)::bigint,
    coalesce(sum(abandoned), 0)::bigint, coalesce(sum(early_hang_ups), 0)::bigint,
    coalesce(sum(machines), 0)::bigint, min(quarter)
FROM abandonment_counts
WHERE campaign = :campaign::text AND quarter >= :since::timestamptz
    AND quarter < :until::timestamptz;

-- name: others_slices(campaign, instance, at)
-- What other daemons hold, and how many of them dial.
SELECT coalesce(sum(drops), 0)::double precision, count(*) FILTER (WHERE wants)
FROM pacing_slices
WHERE campaign = :campaign::text AND instance <> :instance::text AND until > :at::timestamptz;

-- name: take_slice(campaign, instance, drops, wants, until)!
INSERT INTO pacing_slices (campaign, instance, drops, wants, until)
VALUES (:campaign::text, :instance::text, :drops::double precision, :wants::boolean,
    :until::timestamptz)
ON CONFLICT (campaign, instance) DO UPDATE
SET drops = excluded.drops, wants = excluded.wants, until = excluded.until;

-- name: return_slices(instance)!
DELETE FROM pacing_slices WHERE instance = :instance::text;

-- name: save_estimates(campaign, instance, at, estimates)!
INSERT INTO pacing_estimates (campaign, instance, saved_at, estimates)
VALUES (:campaign::text, :instance::text, :at::timestamptz, :estimates::jsonb)
ON CONFLICT (campaign, instance) DO UPDATE
SET saved_at = excluded.saved_at, estimates = excluded.estimates;

-- name: load_estimates(campaign, instance)
-- Our own where there are some, else the latest of another daemon.
SELECT saved_at, estimates FROM pacing_estimates WHERE campaign = :campaign::text
ORDER BY instance <> :instance::text, saved_at DESC LIMIT 1;

-- name: answers_at_hour(campaign, since, hour, zone)
-- Calls that were dialed about this hour of the local day, and those of them that were answered.
SELECT count(*), count(answered_at) FROM attempts
WHERE campaign = :campaign::text AND committed_at >= :since::timestamptz
    AND disposition IS NOT NULL AND dialed_at IS NOT NULL
    AND abs(mod(extract(hour FROM dialed_at AT TIME ZONE :zone::text)::integer
        - :hour::integer + 36, 24) - 12) <= 1;

-- name: cancelled_since(contacts, since)
-- Who of these has been rung and given up by pacing since then: at most once a day.
SELECT DISTINCT contact_id FROM attempts
WHERE contact_id = ANY(:contacts::bigint[]) AND committed_at >= :since::timestamptz
    AND disposition = 'cancelled' AND stop_reason = 'overdial' AND rang_at IS NOT NULL;
