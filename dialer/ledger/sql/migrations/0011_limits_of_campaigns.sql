-- Where persistence ends and what a campaign may spend.
CREATE INDEX stops_by_time ON stops (added_at) WHERE removed_at IS NULL;

-- The campaign's own day, and the call in millionths of the currency: reserved while it is open,
-- what the gateway's price makes of it when it has ended.
ALTER TABLE attempts ADD COLUMN budget_day date, ADD COLUMN cost bigint NOT NULL DEFAULT 0;

-- What a campaign with a budget has used of a day; made with the day's first intent.
CREATE TABLE campaign_days (
    campaign text NOT NULL,
    day date NOT NULL,
    calls integer NOT NULL DEFAULT 0,
    spent bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (campaign, day)
) WITH (fillfactor = 50);
