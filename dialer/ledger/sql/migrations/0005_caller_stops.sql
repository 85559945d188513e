-- People who called one of our numbers back and pressed 9. `call_id` is their call's uuid on the
-- switch: however often the switch tells of it, it is one wish, also after it was taken back.
CREATE TABLE caller_stops (
    call_id uuid PRIMARY KEY,
    phone_id bigint NOT NULL REFERENCES phones,
    taken_at timestamptz NOT NULL
);
