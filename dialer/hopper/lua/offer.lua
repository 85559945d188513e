-- offer: queue entries of one campaign. A known contact is updated in place; one whose phone or
-- contact is under lease is passed over.
--
-- KEYS  1 queue ZSET  2 entries HASH  3 phones HASH  4 contacts HASH  5 campaigns SET
-- ARGV  1 campaign, then four for each entry: contact, phone, rank, packed entry (at most 500)
-- Answer the number of entries that are queued now

local contacts, phones = {}, {}
for i = 2, #ARGV, 4 do
  contacts[#contacts + 1], phones[#phones + 1] = ARGV[i], ARGV[i + 1]
end
local busy_phones = redis.call("HMGET", KEYS[3], unpack(phones))
local busy_contacts = redis.call("HMGET", KEYS[4], unpack(contacts))
local ranks, entries = {}, {}
for j = 1, #contacts do
  if not busy_phones[j] and not busy_contacts[j] then
    ranks[#ranks + 1], ranks[#ranks + 2] = ARGV[j * 4], contacts[j]
    entries[#entries + 1], entries[#entries + 2] = contacts[j], ARGV[j * 4 + 1]
  end
end
if #ranks > 0 then
  redis.call("SADD", KEYS[5], ARGV[1])
  redis.call("ZADD", KEYS[1], unpack(ranks))
  redis.call("HSET", KEYS[2], unpack(entries))
end
return #ranks / 2
