-- Every change of the stop list in one row of numbers without a gap: whoever keeps a copy (a CRM)
-- sees by the number whether he has missed or seen one. An identity column would leave gaps where a
-- transaction was taken back.
CREATE TABLE stop_counter (
    last bigint NOT NULL,
    single boolean PRIMARY KEY DEFAULT true CHECK (single)
);
CREATE TABLE stop_changes (
    number bigint PRIMARY KEY,
    at timestamptz NOT NULL,
    change text NOT NULL CHECK (change IN ('added', 'removed')),
    stop_seq bigint NOT NULL REFERENCES stops,
    changed_by text NOT NULL
);
INSERT INTO stop_changes (number, at, change, stop_seq, changed_by)
SELECT row_number() OVER (ORDER BY seq), added_at, 'added', seq, origin FROM stops;
INSERT INTO stop_counter (last) SELECT count(*) FROM stop_changes;

-- What another system's numbered lists have brought so far.
CREATE TABLE stop_sources (
    source text PRIMARY KEY,
    last_number bigint NOT NULL,
    at timestamptz NOT NULL
);
