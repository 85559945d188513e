-- clear: take the first entries off one campaign's queue. Entries under lease stay.
--
-- KEYS  1 queue ZSET  2 entries HASH
-- ARGV  1 most entries (at most 1000)
-- Answer the number of entries taken off; 0 = the queue is empty

local popped = redis.call("ZPOPMIN", KEYS[1], ARGV[1])
local contacts = {}
for i = 1, #popped, 2 do contacts[#contacts + 1] = popped[i] end
if #contacts > 0 then
  redis.call("HDEL", KEYS[2], unpack(contacts))
end
return #contacts
