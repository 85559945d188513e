-- release: end leases, each at most once: who comes second finds no lease and changes nothing.
-- Phone and contact are free again, the number has one open call less; where the call does not
-- count for the number, its day and hour get it back; the entry goes, or is queued again.
--
-- KEYS  1 phones HASH  2 contacts HASH  3 leases HASH  4 at_once HASH  5 hours HASH
--       6.. day hashes as ARGV 1 names them, then pairs of queue ZSET and entries HASH
-- ARGV  1 JSON list of the days of KEYS 6..
--       then four for each lease (at most 200): attempt, 1 = give the count back, 1 = queue again,
--       place in KEYS of its campaign's queue (the entries are next to it)
-- Answer the number of leases that were ended

local call = redis.call
local day_keys = {}
for i, day in ipairs(cjson.decode(ARGV[1])) do day_keys[day] = KEYS[5 + i] end

local function free(key, field, attempt)
  -- After a rebuild somebody else may hold it: free only what this attempt holds.
  if call("HGET", key, field) == attempt then call("HDEL", key, field) end
end

local function give_count_back(number, day, hour)
  local key = day_keys[day]
  if key and tonumber(call("HGET", key, number) or 0) > 0 then
    call("HINCRBY", key, number, -1)
  end
  if hour ~= "" then
    local calls, label = string.match(call("HGET", KEYS[5], number) or "", "^(%d+) (.*)$")
    if label == hour and tonumber(calls) > 0 then
      call("HSET", KEYS[5], number, (tonumber(calls) - 1) .. " " .. label)
    end
  end
end

local function dispose(queue, entries, contact, again)
  local entry = again and call("HGET", entries, contact)
  if entry then
    call("ZADD", queue, (struct.unpack("<d", entry, 11)), contact)
  elseif not call("ZSCORE", queue, contact) then
    call("HDEL", entries, contact)
  end
end

local ended = 0
for i = 2, #ARGV, 4 do
  local attempt = ARGV[i]
  local lease = call("HGET", KEYS[3], attempt)
  if lease then
    ended = ended + 1
    local number, day, hour, contact, phone = string.match(
      lease, "^[^\n]*\n([^\n]*)\n([^\n]*)\n([^\n]*)\n[^\n]*\n[^\n]*\n([^\n]*)\n([^\n]*)$")
    call("HDEL", KEYS[3], attempt)
    free(KEYS[1], phone, attempt)
    free(KEYS[2], contact, attempt)
    if call("HINCRBY", KEYS[4], number, -1) <= 0 then
      call("HDEL", KEYS[4], number)
    end
    if ARGV[i + 1] == "1" then
      give_count_back(number, day, hour)
    end
    local queue = tonumber(ARGV[i + 3])
    dispose(KEYS[queue], KEYS[queue + 1], contact, ARGV[i + 2] == "1")
  end
end
return ended
