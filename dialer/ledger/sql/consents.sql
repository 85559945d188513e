-- Each change runs in a transaction that holds the phone's lock.

-- name: add_consent(phone, contact, purpose, given_at, expires_at, text_version, evidence, source)!
-- The same consent twice is one.
INSERT INTO consents (phone_id, contact_id, purpose, given_at, expires_at, text_version,
    evidence, source)
VALUES (:phone::bigint, coalesce(:contact::bigint, 0), :purpose::text, :given_at::timestamptz,
    :expires_at::timestamptz, :text_version::text, :evidence::text, :source::text)
ON CONFLICT (phone_id, contact_id, purpose, given_at) DO NOTHING;

-- name: withdraw_consents(phone, purpose, at)!
-- All that were given for this phone (and purpose, or NULL = every purpose) until now.
UPDATE consents SET withdrawn_at = :at::timestamptz
WHERE phone_id = :phone::bigint AND withdrawn_at IS NULL AND given_at <= :at::timestamptz
    AND (:purpose::text IS NULL OR purpose = :purpose::text);

-- name: note_withdrawal(phone, purpose, at, origin)!
-- Holds also for a phone that has given none yet: an older consent that an import brings later
-- does not revive.
INSERT INTO withdrawals (phone_id, purpose, withdrawn_at, origin)
VALUES (:phone::bigint, coalesce(:purpose::text, ''), :at::timestamptz, :origin::text)
ON CONFLICT (phone_id, purpose, withdrawn_at) DO NOTHING;

-- name: of_phone(phone)
-- Every consent for this phone, whoever gave it.
SELECT contact_id, purpose, given_at, expires_at, withdrawn_at, text_version, evidence, source
FROM consents WHERE phone_id = :phone::bigint ORDER BY purpose, given_at;

-- name: withdrawals_of(phone)
-- Purpose '' = every purpose.
SELECT purpose, withdrawn_at, origin FROM withdrawals
WHERE phone_id = :phone::bigint ORDER BY withdrawn_at;
