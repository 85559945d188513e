-- Where persistence ends and what a campaign may spend.
CREATE INDEX stops_by_time ON stops (added_at) WHERE removed_at IS NULL;
