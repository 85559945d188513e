-- Recordings of talks, and who listened to whom. Both outlive what they tell of: an attempt that
-- is deleted with its contact must leave no file behind, and a supervision is evidence.

-- One recording of one attempt. `path` is seen from the daemon's folder of recordings. States:
--   started      the switch was told to record
--   kept         the file is there: size, checksum and length were taken after its end
--   missing      the switch made no file, or an empty one: `failure` says what was seen
--   not_recorded the campaign records, and this talk was not: `failure` says why
--   deleted      the file is gone, by retention or by hand
CREATE TABLE recordings (
    attempt_id uuid PRIMARY KEY,
    campaign text NOT NULL,
    contact_id bigint REFERENCES contacts ON DELETE SET NULL, -- NULL: the person was erased
    operator text,
    instance text NOT NULL, -- in whose folder it lies
    path text NOT NULL,
    state text NOT NULL CHECK (
        state IN ('started', 'kept', 'missing', 'not_recorded', 'deleted')),
    failure text,
    announced text, -- the sound that said so
    started_at timestamptz NOT NULL,
    stopped_at timestamptz,
    duration_ms integer CHECK (duration_ms >= 0),
    bytes bigint CHECK (bytes >= 0),
    sha256 bytea CHECK (length(sha256) = 32),
    masks jsonb NOT NULL DEFAULT '[]', -- [{"at", "by", "masked"}, ...]: card data, say
    keep_until timestamptz NOT NULL,
    deleted_at timestamptz,
    deleted_by text,
    CHECK ((state = 'deleted') = (deleted_at IS NOT NULL)),
    CHECK (state <> 'kept' OR (bytes IS NOT NULL AND sha256 IS NOT NULL))
);
CREATE INDEX recordings_open ON recordings (instance) WHERE state = 'started';
CREATE INDEX recordings_due ON recordings (instance, keep_until)
    WHERE state IN ('kept', 'missing', 'not_recorded');
CREATE INDEX recordings_by_contact ON recordings (contact_id);
CREATE INDEX recordings_by_campaign ON recordings (campaign, started_at);

-- Append-only: each step of each supervision (R2.7). `leg` holds the steps of one together.
CREATE TABLE supervisions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    instance text NOT NULL,
    leg uuid NOT NULL,
    step text NOT NULL CHECK (step IN ('asked', 'begun', 'mode', 'failed', 'ended')),
    supervisor text NOT NULL,
    operator text NOT NULL,
    mode text NOT NULL CHECK (mode IN ('listen', 'whisper', 'barge')),
    attempt_id uuid, -- the operator's talk at that moment
    detail text
);
CREATE INDEX supervisions_by_operator ON supervisions (operator, at);
CREATE FUNCTION refuse_supervision_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of supervisions are never changed';
END $$;
CREATE TRIGGER supervisions_are_append_only BEFORE UPDATE OR DELETE ON supervisions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_supervision_change();
