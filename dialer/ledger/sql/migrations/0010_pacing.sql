-- The abandonment cap's books, the slices of its budget, and what pacing has learned.

-- Operators say that the answered call was a machine: it leaves the live answers, however late.
ALTER TABLE attempts ADD COLUMN said_machine boolean NOT NULL DEFAULT false;

-- Answered calls by the quarter of an hour of their answer, counted in the transaction that ends
-- each: every legal window in every zone is a sum of these, so a window or a zone may change
-- without a drop being lost or counted twice; and the erasure of a person leaves the counts.
CREATE TABLE abandonment_counts (
    campaign text NOT NULL,
    quarter timestamptz NOT NULL,
    answered integer NOT NULL DEFAULT 0, -- whatever picked up
    connected integer NOT NULL DEFAULT 0, -- had an operator
    abandoned integer NOT NULL DEFAULT 0, -- had none in time, or nobody can tell
    early_hang_ups integer NOT NULL DEFAULT 0, -- left by themselves while they waited
    machines integer NOT NULL DEFAULT 0, -- of the connected, said to be machines
    PRIMARY KEY (campaign, quarter),
    CHECK (machines BETWEEN 0 AND connected),
    CHECK (answered >= connected + abandoned + early_hang_ups)
) WITH (fillfactor = 50);

INSERT INTO abandonment_counts (campaign, quarter, answered, connected, abandoned,
    early_hang_ups)
SELECT campaign, date_bin('15 minutes', answered_at, 'epoch'), count(*),
    count(*) FILTER (WHERE disposition = 'talked'),
    count(*) FILTER (WHERE disposition = 'abandoned'
        OR (disposition = 'lost' AND bridged_at IS NULL)),
    count(*) FILTER (WHERE disposition = 'short_hangup')
FROM attempts WHERE answered_at IS NOT NULL AND disposition IS NOT NULL
GROUP BY 1, 2;

-- What each daemon may spend of a campaign's drops until then; what it leaves is the others'.
CREATE TABLE pacing_slices (
    campaign text NOT NULL,
    instance text NOT NULL,
    drops double precision NOT NULL CHECK (drops >= 0),
    wants boolean NOT NULL, -- dials now: counts where the budget is parted
    until timestamptz NOT NULL,
    PRIMARY KEY (campaign, instance)
);

-- The estimates of answers, talks and wrap-ups, by daemon: a successor goes on with them.
CREATE TABLE pacing_estimates (
    campaign text NOT NULL,
    instance text NOT NULL,
    saved_at timestamptz NOT NULL,
    estimates jsonb NOT NULL,
    PRIMARY KEY (campaign, instance)
);
