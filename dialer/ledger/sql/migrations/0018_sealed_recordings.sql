-- Recordings sealed at rest (docs/decisions/0027-recordings-sealed-in-chunks.md).
-- `sealed_under` is written before the file is sealed, so no key is retired that it may need;
-- `sealed_at` after it: NULL with a key means that a sealing is half-way. Size and checksum stay
-- those of the sound in clear.
ALTER TABLE recordings ADD COLUMN sealed_under text, ADD COLUMN sealed_at timestamptz;
CREATE INDEX recordings_by_key ON recordings (sealed_under) WHERE state IN ('started', 'kept');
-- Those in clear, in the order of their going through (a whole folder when keys come).
CREATE INDEX recordings_unsealed ON recordings (instance, attempt_id)
    WHERE state = 'kept' AND sealed_at IS NULL;
