-- name: save_numbers(numbers, pools, kinds, regions, zones, soft, hard, states, at)
-- As configured now; one that is not configured any more stays, its days need its zone.
INSERT INTO numbers AS n (number, pool, kind, region, zone, soft_limit, hard_limit, state,
    saved_at)
SELECT t.*, :at::timestamptz
FROM unnest(:numbers::text[], :pools::text[], :kinds::text[], :regions::text[], :zones::text[],
    :soft::integer[], :hard::integer[], :states::text[])
    AS t (number, pool, kind, region, zone, soft_limit, hard_limit, state)
ORDER BY t.number
ON CONFLICT (number) DO UPDATE
SET pool = excluded.pool, kind = excluded.kind, region = excluded.region,
    zone = excluded.zone, soft_limit = excluded.soft_limit,
    hard_limit = excluded.hard_limit, state = excluded.state, saved_at = excluded.saved_at
WHERE (n.pool, n.kind, n.region, n.zone, n.soft_limit, n.hard_limit, n.state)
    IS DISTINCT FROM (excluded.pool, excluded.kind, excluded.region, excluded.zone,
        excluded.soft_limit, excluded.hard_limit, excluded.state);

-- name: charge_number(number, day, hard_limit)
-- One call that no intent makes (a test call); no row where the day is full.
INSERT INTO number_days AS d (number, day, dialed, hard_limit)
SELECT :number::text, :day::date, 1, :hard_limit::integer WHERE :hard_limit::integer > 0
ON CONFLICT (number, day) DO UPDATE
SET dialed = d.dialed + 1, hard_limit = excluded.hard_limit
WHERE d.dialed < excluded.hard_limit
RETURNING dialed;

-- name: credit_number(number, day)!
-- It never reached the carrier.
UPDATE number_days SET dialed = dialed - 1
WHERE number = :number::text AND day = :day::date AND dialed > 0;

-- name: charges(days)
-- What stands against each number on these days.
SELECT number, day, dialed FROM number_days WHERE day = ANY(:days::date[]) AND dialed > 0;
