-- rebuild: after a loss put back counts and open leases, and with them the epoch: one step, so
-- that nobody claims on half of it. Whoever comes second finds the epoch and changes nothing.
-- Queues stay as they are: what is leased is passed over.
--
-- KEYS  1 epoch  2 phones  3 contacts  4 leases  5 holders  6 at_once  7 last_at  8 hours
--       9.. day hashes, then the entries HASH of each campaign
-- ARGV  1 epoch  2 deadline of the holders
--       3 JSON list, three for each count: place in KEYS of its day, number, calls
--       4 JSON list, six for each lease: attempt, holder, number, contact, phone, place in KEYS
--         of its campaign's entries
--       5.. packed lease, packed entry, in the order of ARGV 4
-- Answer the epoch that stands now

local call = redis.call
local epoch = call("GET", KEYS[1])
if epoch then
  return epoch
end
for i = 2, 8 do call("DEL", KEYS[i]) end
local counts = cjson.decode(ARGV[3])
for i = 1, #counts, 3 do call("DEL", KEYS[counts[i]]) end
for i = 1, #counts, 3 do
  call("HSET", KEYS[counts[i]], counts[i + 1], counts[i + 2])
  call("EXPIRE", KEYS[counts[i]], 259200)
end
local leases = cjson.decode(ARGV[4])
for i = 1, #leases, 6 do
  local attempt, holder, number, contact, phone, entries = unpack(leases, i, i + 5)
  local at = 5 + (i - 1) / 3
  call("HSET", KEYS[2], phone, attempt)
  call("HSET", KEYS[3], contact, attempt)
  call("HSET", KEYS[4], attempt, ARGV[at])
  call("HSET", KEYS[entries], contact, ARGV[at + 1])
  call("ZADD", KEYS[5], ARGV[2], holder)
  call("HINCRBY", KEYS[6], number, 1)
end
call("SET", KEYS[1], ARGV[1])
return ARGV[1]
