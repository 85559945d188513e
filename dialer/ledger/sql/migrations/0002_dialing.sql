-- Campaigns, their queues, the numbers shown, attempts, switches.

CREATE TABLE campaigns (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE,
    list_id integer NOT NULL REFERENCES lists,
    purpose text NOT NULL,
    default_zone text,
    scored boolean NOT NULL, -- priority order with rules: entries have a score
    definition jsonb NOT NULL,
    revision text NOT NULL,
    active boolean NOT NULL,
    enrolled_to integer NOT NULL DEFAULT 0, -- position of the list up to which all are enrolled
    next_hot integer NOT NULL DEFAULT 1,
    saved_at timestamptz NOT NULL
);

-- One contact of one campaign. States:
--   due         may be offered now; `waiting` until due_at (why: held_reason), keeps its place
--   dialing     has an open attempt
--   done, check_list, review, archive: at rest, for the reason of the same name
--   off_list    its contact left the campaign's list
-- Order: tier (0 hot, 1 first try, 2 repeat), score, position.
CREATE TABLE queue_entries (
    contact_id bigint NOT NULL REFERENCES contacts ON DELETE CASCADE,
    campaign_id integer NOT NULL,
    phone_id bigint NOT NULL REFERENCES phones,
    tier smallint NOT NULL DEFAULT 1 CHECK (tier BETWEEN 0 AND 2),
    score integer NOT NULL DEFAULT 0,
    position integer NOT NULL CHECK (position >= 0),
    state text NOT NULL DEFAULT 'due' CHECK (state IN ('due', 'waiting', 'dialing', 'done',
        'check_list', 'review', 'archive', 'off_list')),
    due_at timestamptz NOT NULL DEFAULT '-infinity',
    held_reason text,
    rescore_at timestamptz,
    rounds_failed smallint NOT NULL DEFAULT 0,
    PRIMARY KEY (contact_id, campaign_id)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02,
        autovacuum_vacuum_insert_scale_factor = 0.1);
-- The head of a queue is the head of this index, however many entries wait.
CREATE INDEX queue_due ON queue_entries (campaign_id, tier, score DESC, position)
    WHERE state = 'due';
CREATE INDEX queue_waiting ON queue_entries
    (campaign_id, due_at, tier, score DESC, position) WHERE state = 'waiting';
CREATE INDEX queue_rescore ON queue_entries (campaign_id, rescore_at)
    WHERE rescore_at IS NOT NULL AND state IN ('due', 'waiting');

-- Our own numbers. The limits in force come with each intent; this is for reports and days.
CREATE TABLE numbers (
    number text PRIMARY KEY,
    pool text NOT NULL,
    kind text NOT NULL,
    region text,
    zone text NOT NULL,
    soft_limit integer NOT NULL,
    hard_limit integer NOT NULL,
    state text NOT NULL,
    saved_at timestamptz NOT NULL
);

-- Calls with this number shown that reached the carrier, or may yet; `day` is in its own zone.
CREATE TABLE number_days (
    number text NOT NULL,
    day date NOT NULL,
    dialed integer NOT NULL DEFAULT 0,
    hard_limit integer NOT NULL,
    PRIMARY KEY (number, day),
    CHECK (dialed BETWEEN 0 AND hard_limit)
) WITH (fillfactor = 50);

-- One call to one phone; id = the channel's uuid. Open while ended_at is NULL; `charged` is true
-- while open, because "maybe dialed" is treated as dialed. Campaigns and numbers are never
-- deleted, so they are named without a foreign key (each costs a lock on one hot row).
CREATE TABLE attempts (
    id uuid PRIMARY KEY,
    campaign text NOT NULL,
    contact_id bigint NOT NULL REFERENCES contacts ON DELETE CASCADE,
    phone_id bigint NOT NULL REFERENCES phones,
    number text NOT NULL,
    number_day date NOT NULL,
    gateway text NOT NULL,
    instance text NOT NULL,
    tier smallint NOT NULL,
    grounds jsonb NOT NULL, -- why it was allowed, as decided then
    entry jsonb, -- the hopper's facts, while open: a successor decides the next step by them
    committed_at timestamptz NOT NULL,
    dialed_at timestamptz,
    rang_at timestamptz,
    answered_at timestamptz,
    bridged_at timestamptz,
    ended_at timestamptz,
    disposition text,
    charged boolean NOT NULL DEFAULT true, -- a try against the contact
    number_charged boolean NOT NULL DEFAULT true, -- counts against the number's day
    cause text,
    q850 smallint,
    sip_status smallint,
    sip_phrase text,
    sip_reason text,
    sip_call_id text,
    hung_up_by text,
    ring_ms integer,
    early_media_ms integer,
    wait_ms integer,
    talk_ms integer,
    short_answer boolean NOT NULL DEFAULT false,
    operator text,
    stop_reason text,
    opt_out_key boolean NOT NULL DEFAULT false,
    evidence jsonb,
    next_step text,
    next_reason text,
    result text,
    tags text[] NOT NULL DEFAULT '{}',
    summary text,
    disposed_at timestamptz,
    CHECK ((ended_at IS NULL) = (disposition IS NULL)),
    CHECK (ended_at IS NULL OR entry IS NULL)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05,
        autovacuum_analyze_scale_factor = 0.05);
-- Never two calls at once to one phone or one person, over any campaign or daemon (R6.5).
CREATE UNIQUE INDEX attempts_one_open_phone ON attempts (phone_id) WHERE ended_at IS NULL;
CREATE UNIQUE INDEX attempts_one_open_contact ON attempts (contact_id) WHERE ended_at IS NULL;
CREATE INDEX attempts_by_phone ON attempts (phone_id, committed_at);
CREATE INDEX attempts_by_contact ON attempts (contact_id, committed_at);
CREATE INDEX attempts_by_campaign ON attempts (campaign, committed_at);

-- Each move off the dialing list, and back, with its reason.
CREATE TABLE list_moves (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    campaign text,
    contact_id bigint REFERENCES contacts ON DELETE CASCADE,
    phone_id bigint REFERENCES phones,
    moved_to text NOT NULL,
    reason text NOT NULL,
    attempt_id uuid
);
CREATE INDEX list_moves_by_campaign ON list_moves (campaign, at);

CREATE TABLE switches (
    name text PRIMARY KEY,
    engaged boolean NOT NULL,
    changed_at timestamptz NOT NULL,
    changed_by text NOT NULL
);

-- What operators did when: one row per change of state.
CREATE TABLE operator_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    instance text NOT NULL,
    operator text NOT NULL,
    state text NOT NULL,
    reason text
);
CREATE INDEX operator_log_by_operator ON operator_log (operator, at);
CREATE INDEX operator_log_by_time ON operator_log (at);
