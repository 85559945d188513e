-- claim: take the next entries of one campaign off its queue, a number of ours for each, under
-- lease. All or nothing of each entry; one server step, so no other daemon comes between.
--
-- KEYS  1 epoch    STRING         4 phones    HASH phone -> attempt     7 holders  ZSET
--       2 queue    ZSET contact   5 contacts  HASH contact -> attempt   8 at_once  HASH number
--       3 entries  HASH contact   6 leases    HASH attempt -> lease     9 last_at  HASH number
--       10 hours   HASH number -> "calls hour"    11 revoked STRING
--       12.. day hashes, number -> calls charged, in the order of ARGV 8
-- ARGV  1 epoch  2 now, epoch seconds  3 deadline of the holder  4 holder  5 campaign
--       6 most entries to take  7 most entries to look at
--       8 JSON list of the days of KEYS 12..
--       9 JSON list of columns: numbers in the pool's order, then for each number (one value =
--         the same for all) gateway, soft limit, hard limit, calls at once (-1 = any), minimum
--         gap in seconds, calls per hour (-1 = any), hour, place of its day; last an object
--         region -> "place,place,...", and
--         a column of the further gateways that may show a number, one a line
--       10.. attempt ids, at least as many as ARGV 6
-- Answer {"ok", entries off because their window closed, entries passed over because their phone
--         or contact is being called, why the numbers ended it ("" | "pool_used_up" |
--         "numbers_busy"), place of the number (1..), packed entry, place, packed entry, ...}
--        or {"rebuild"} (the epoch is another) or {"revoked"}
--
-- A taken entry leaves the queue; its packed form stays in `entries` until the lease ends.
-- The choice of number is core.numbers.choice: sticky first, then the least of (past the soft
-- limit, other region, used today, place). A number's weight holds all but the region.

local SOFT, USED, NEVER = 2 ^ 51, 2 ^ 16, math.huge
local CHUNK = 1000 -- most arguments that are unpacked at once
-- A short hash is kept as a list and searched end to end for each field, 100 of 100 fields in
-- 225 microseconds. One value of more than 64 bytes makes the server keep a table: 20.
local WIDE, WIDE_FROM = string.rep("-", 65), 24

local call = redis.call
if call("GET", KEYS[1]) ~= ARGV[1] then
  return { "rebuild" }
end
if call("EXISTS", KEYS[11]) == 1 then
  return { "revoked" }
end

local now, want = tonumber(ARGV[2]), tonumber(ARGV[6])
local days = cjson.decode(ARGV[8])
local numbers, gateway, soft, hard, most_at_once, gap, per_hour, hour, day_at, regions_of, others =
  unpack(cjson.decode(ARGV[9]))
local count = #numbers

local function column(values)
  if type(values) == "table" then return values end
  local all = {}
  for i = 1, count do all[i] = values end
  return all
end
soft, hard = column(soft), column(hard)
most_at_once = most_at_once ~= -1 and column(most_at_once)
gap = gap ~= 0 and column(gap)
per_hour = per_hour ~= -1 and column(per_hour)
hour = per_hour and column(hour)
gateway, others = column(gateway), column(others)
day_at = type(day_at) == "table" and day_at

local function read(key, fields)
  if #fields <= CHUNK then
    return #fields > 0 and call("HMGET", key, unpack(fields)) or {}
  end
  local found = {}
  for first = 1, #fields, CHUNK do
    local part = call("HMGET", key, unpack(fields, first, math.min(first + CHUNK - 1, #fields)))
    for j = 1, #part do found[first + j - 1] = part[j] end
  end
  return found
end

local function write(command, key, list)
  if #list > CHUNK then
    for first = 1, #list, CHUNK do
      call(command, key, unpack(list, first, math.min(first + CHUNK - 1, #list)))
    end
  elseif #list > 0 then
    call(command, key, unpack(list))
  end
end

-- the pool ------------------------------------------------------------------------------------

local used = {} -- calls charged today, as text where it was not touched
if not day_at then
  used = read(KEYS[12], numbers)
else
  for d = 1, #days do
    local fields, places = {}, {}
    for i = 1, count do
      if day_at[i] == d then
        fields[#fields + 1], places[#places + 1] = numbers[i], i
      end
    end
    local found = read(KEYS[11 + d], fields)
    for j = 1, #places do used[places[j]] = found[j] end
  end
end
local at_once = most_at_once and read(KEYS[8], numbers)
local last_at = gap and read(KEYS[9], numbers)
local in_hour = per_hour and read(KEYS[10], numbers)
local limited = most_at_once or gap or per_hour

local function calls_this_hour(i)
  local value = in_hour[i]
  if type(value) ~= "number" then
    local calls, label = string.match(value or "", "^(%d+) (.*)$")
    value = label == hour[i] and tonumber(calls) or 0
    in_hour[i] = value
  end
  return value
end

local function is_busy(i)
  return (most_at_once and most_at_once[i] >= 0 and tonumber(at_once[i] or 0) >= most_at_once[i])
    or (gap and gap[i] > 0 and last_at[i] and now < tonumber(last_at[i]) + gap[i])
    or (per_hour and per_hour[i] >= 0 and calls_this_hour(i) >= per_hour[i])
end

local weight = {} -- NEVER = a limit holds it back
for i = 1, count do
  local calls = tonumber(used[i] or 0)
  used[i] = calls
  if calls >= hard[i] then
    weight[i] = NEVER
  else
    weight[i] = calls >= soft[i] and SOFT + calls * USED + i or calls * USED + i
  end
end

-- The line's own limits are looked at only for a number that would be chosen: to read those of
-- a hundred numbers takes longer than all the rest.
local seen_free = {}
local function is_free(i)
  if not limited or seen_free[i] then return true end
  if is_busy(i) then
    weight[i] = NEVER
    return false
  end
  seen_free[i] = true
  return true
end

local function is_possible()
  for i = 1, count do
    if weight[i] < NEVER and is_free(i) then return true end
  end
  return false
end

local function why_none()
  for i = 1, count do
    if used[i] < hard[i] then return "numbers_busy" end
  end
  return "pool_used_up"
end
if not is_possible() then
  return { "ok", 0, 0, why_none() }
end

local function least_of(places)
  local best, chosen = NEVER, nil
  for j = 1, #places do
    local i = places[j]
    local w = weight[i]
    if w < best and is_free(i) then best, chosen = w, i end
  end
  return best, chosen
end

local in_region = {} -- region -> places, made when it is asked for
local function least_in(name)
  local places = in_region[name]
  if not places then
    places = {}
    for place in string.gmatch(regions_of[name] or "", "%d+") do
      places[#places + 1] = tonumber(place)
    end
    in_region[name] = places
  end
  return least_of(places)
end

local place_of -- number -> place, made when a sticky number is asked for
local function choose(phone_region, sticky)
  if sticky ~= "" then
    if not place_of then
      place_of = {}
      for i = count, 1, -1 do place_of[numbers[i]] = i end
    end
    local i = place_of[sticky]
    if i and weight[i] < NEVER and is_free(i) then return i end
  end
  local near_weight, near = NEVER, nil
  if phone_region ~= "" then
    near_weight, near = least_in(phone_region)
    if near_weight < SOFT then return near end
  end
  -- None of the region is below its soft limit: then the least of all, and among those past it
  -- the region counts again.
  local best, chosen = NEVER, nil
  for i = 1, count do
    local w = weight[i]
    if w < best and is_free(i) then best, chosen = w, i end
  end
  if best >= SOFT and near then return near end
  return chosen
end

-- Another gateway is preferred to those in `avoided` (a name a line): core.numbers.choice.route.
local function way_round(i, avoided)
  local list = "\n" .. avoided .. "\n"
  for name in string.gmatch(gateway[i] .. "\n" .. others[i], "[^\n]+") do
    if not string.find(list, "\n" .. name .. "\n", 1, true) then return name end
  end
end

-- Rare, so it may look at all of them. Falls back to `choose`.
local function choose_elsewhere(phone_region, sticky, avoided)
  local chosen, way, best, best_far
  for i = 1, count do
    local w = weight[i]
    local name = w < NEVER and is_free(i) and way_round(i, avoided)
    if name then
      if sticky ~= "" and numbers[i] == sticky then return i, name end
      local near = phone_region ~= "" and string.find(
        "," .. (regions_of[phone_region] or "") .. ",", "," .. i .. ",", 1, true)
      local far = near and 0 or 1
      local past = w >= SOFT and 1 or 0
      local key = past * 2 + far
      if not best or key < best_far or (key == best_far and w < best) then
        chosen, way, best, best_far = i, name, w, key
      end
    end
  end
  if chosen then return chosen, way end
  local i = choose(phone_region, sticky)
  return i, i and gateway[i]
end

-- the queue -----------------------------------------------------------------------------------

local answer = { "ok", 0, 0, "" }
local closed, passed_over, stopped, taken, looked = 0, 0, false, 0, 0
local off, back = {}, {} -- contacts whose entries go; score, contact of those put back
local phone_lease, contact_lease, leases = {}, {}, {}
local touched = {} -- place of a number -> how often it was taken
local most_looks = tonumber(ARGV[7])
local owned = {} -- phones taken in this very call
local holder = ARGV[4] .. "\n"
local campaign = "\n" .. ARGV[5] .. "\n"

local function take(i, way, contact, phone, entry)
  taken = taken + 1
  local attempt, n = ARGV[9 + taken], taken * 2
  answer[3 + n], answer[4 + n] = i, entry
  owned[phone] = true
  phone_lease[n - 1], phone_lease[n] = phone, attempt
  contact_lease[n - 1], contact_lease[n] = contact, attempt
  leases[n - 1] = attempt
  leases[n] = holder .. numbers[i] .. "\n" .. days[day_at and day_at[i] or 1] .. "\n"
    .. (per_hour and per_hour[i] >= 0 and hour[i] or "") .. "\n" .. way .. campaign
    .. contact .. "\n" .. phone
  touched[i] = (touched[i] or 0) + 1
  local calls = used[i] + 1
  used[i] = calls
  if limited then
    if at_once then at_once[i] = tonumber(at_once[i] or 0) + 1 end
    if in_hour then in_hour[i] = calls_this_hour(i) + 1 end
    if gap and gap[i] > 0 then last_at[i] = now end
  end
  if calls >= hard[i] then
    weight[i] = NEVER
  else
    weight[i] = calls >= soft[i] and SOFT + calls * USED + i or calls * USED + i
    seen_free[i] = nil
  end
end

while taken < want and looked < most_looks and not stopped do
  local popped = call("ZPOPMIN", KEYS[2], math.min(want - taken, most_looks - looked, 500))
  if #popped == 0 then break end
  local contacts = {}
  for j = 1, #popped, 2 do contacts[#contacts + 1] = popped[j] end
  looked = looked + #contacts
  local packed = call("HMGET", KEYS[3], unpack(contacts))
  local busy_contacts = call("HMGET", KEYS[5], unpack(contacts))
  local until_, phone, regions, stickies, avoided = {}, {}, {}, {}, {}
  for j = 1, #contacts do
    if packed[j] then
      local behind
      until_[j], phone[j], regions[j], stickies[j], behind =
        struct.unpack("<dxxxxxxxxHc0Hc0Hc0", packed[j], 3)
      -- The head ends before what only Python reads.
      if behind <= struct.unpack("<H", packed[j]) then
        avoided[j] = struct.unpack("<Hc0", packed[j], behind)
      end
    else
      phone[j] = ""
    end
  end
  local busy_phones = call("HMGET", KEYS[4], unpack(phone))
  for j = 1, #contacts do
    local contact, entry = contacts[j], packed[j]
    if stopped then
      back[#back + 1], back[#back + 2] = popped[j * 2], contact
    elseif not entry or (until_[j] > 0 and until_[j] <= now) then
      off[#off + 1] = contact
      if entry then closed = closed + 1 end
    elseif busy_contacts[j] or busy_phones[j] or owned[phone[j]] then
      passed_over = passed_over + 1
      back[#back + 1], back[#back + 2] = popped[j * 2], contact
    else
      local i, way
      if avoided[j] then
        i, way = choose_elsewhere(regions[j], stickies[j], avoided[j])
      else
        i = choose(regions[j], stickies[j])
        way = i and gateway[i]
      end
      if i then
        take(i, way, contact, phone[j], entry)
      else
        stopped = true
        back[#back + 1], back[#back + 2] = popped[j * 2], contact
      end
    end
  end
end

-- what was decided, one command of each kind ----------------------------------------------------

write("HDEL", KEYS[3], off)
write("ZADD", KEYS[2], back)
if taken > 0 then
  write("HSET", KEYS[4], phone_lease)
  write("HSET", KEYS[5], contact_lease)
  write("HSET", KEYS[6], leases)
  call("ZADD", KEYS[7], "GT", ARGV[3], ARGV[4])
  local day_counts, lines, places, shown_at, hour_counts = {}, {}, {}, {}, {}
  for d = 1, #days do day_counts[d] = {} end
  for i in pairs(touched) do
    local counts = day_counts[day_at and day_at[i] or 1]
    counts[#counts + 1], counts[#counts + 2] = numbers[i], used[i]
    lines[#lines + 1], places[#places + 1] = numbers[i], i
    if gap and gap[i] > 0 then
      shown_at[#shown_at + 1], shown_at[#shown_at + 2] = numbers[i], ARGV[2]
    end
    if per_hour and per_hour[i] >= 0 then
      hour_counts[#hour_counts + 1] = numbers[i]
      hour_counts[#hour_counts + 1] = in_hour[i] .. " " .. hour[i]
    end
  end
  if count >= WIDE_FROM then
    for d = 1, #days do
      local counts = day_counts[d]
      if #counts > 0 then counts[#counts + 1], counts[#counts + 2] = "", WIDE end
    end
  end
  for d = 1, #days do
    if #day_counts[d] > 0 then
      write("HSET", KEYS[11 + d], day_counts[d])
      call("EXPIRE", KEYS[11 + d], 259200)
    end
  end
  local before, open = read(KEYS[8], lines), {}
  for j = 1, #lines do
    open[j * 2 - 1], open[j * 2] = lines[j], tonumber(before[j] or 0) + touched[places[j]]
  end
  if count >= WIDE_FROM then
    open[#open + 1], open[#open + 2] = "", WIDE
    if #shown_at > 0 then shown_at[#shown_at + 1], shown_at[#shown_at + 2] = "", WIDE end
    if #hour_counts > 0 then
      hour_counts[#hour_counts + 1], hour_counts[#hour_counts + 2] = "", WIDE
    end
  end
  write("HSET", KEYS[8], open)
  write("HSET", KEYS[9], shown_at)
  write("HSET", KEYS[10], hour_counts)
end
answer[2], answer[3], answer[4] = closed, passed_over, stopped and why_none() or ""
return answer
