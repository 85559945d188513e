-- Complaints (R6.11), and what the persistence of a campaign lets it dial.

-- `text` is sealed for the phone's lookup key; see ledger/complaints.py.
CREATE TABLE complaints (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    phone_id bigint NOT NULL REFERENCES phones,
    campaign text, -- NULL: nobody of ours had called
    at timestamptz NOT NULL,
    taken_by text NOT NULL,
    text text
);
CREATE INDEX complaints_by_phone ON complaints (phone_id);
CREATE INDEX complaints_by_time ON complaints (at);

-- The last judgement of any daemon: 1 its whole pace, 0 it dials nothing. Every intent asks it.
ALTER TABLE campaigns ADD COLUMN persistence_pace double precision NOT NULL DEFAULT 1
    CHECK (persistence_pace BETWEEN 0 AND 1);
