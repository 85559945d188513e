-- Complaints: who, about which campaign, when, and in his words (sealed).

-- name: last_campaign(phone, since)
-- Whose call he may mean: the latest one to his phone.
SELECT campaign FROM attempts WHERE phone_id = :phone::bigint
    AND committed_at >= :since::timestamptz
ORDER BY committed_at DESC LIMIT 1;

-- name: add_complaint(phone, campaign, at, by, text)!
-- Append-only, until his data is erased.
INSERT INTO complaints (phone_id, campaign, at, taken_by, text)
VALUES (:phone::bigint, :campaign::text, :at::timestamptz, :by::text, :text::text);

-- name: lookup_key(phone)
-- What his words are sealed for.
SELECT lookup_key FROM phones WHERE id = :phone::bigint;

-- name: complaints(since, campaign)
-- The newest first.
SELECT c.at, c.campaign, c.phone_id, p.digits, p.lookup_key, c.taken_by, c.text
FROM complaints AS c JOIN phones AS p ON p.id = c.phone_id
WHERE c.at >= :since::timestamptz
    AND (:campaign::text IS NULL OR c.campaign = :campaign::text)
ORDER BY c.at DESC, c.id DESC;
