-- void: take contacts off one campaign's queue, each only if it still is to be called on this
-- phone (the caller has looked at the entries before, without a lock).
--
-- KEYS  1 queue ZSET  2 entries HASH
-- ARGV  two for each contact: contact, phone (at most 500)
-- Answer the number of entries taken off

local off = 0
for i = 1, #ARGV, 2 do
  local entry = redis.call("HGET", KEYS[2], ARGV[i])
  -- An entry that is not queued belongs to a lease: it goes with that.
  if entry and (struct.unpack("<Hc0", entry, 19)) == ARGV[i + 1]
    and redis.call("ZREM", KEYS[1], ARGV[i]) == 1
  then
    redis.call("HDEL", KEYS[2], ARGV[i])
    off = off + 1
  end
end
return off
