--- Folds what `readings` holds and the group has not seen into the running statistics, atomically.
--- KEYS readings state results rejects
--- ARGV group stats_prefix count max_batch future_skew_ms readings_tail results_maxlen rejects_maxlen
--- RETURNS entries readings sensors duplicates rejected backlog busy_us cursor fault codes
--- INCLUDE exact alike number stream_id sequence entry collect sums @reducers sensor cursor publish trim
--
-- A script that fails half-way is not rolled back, so the order of the writes carries the promise:
--   1. the group is set to the cursor of `state` (changes nothing; as a first write that needs no
--      memory it also keeps the rest allowed when maxmemory is reached: folding frees memory);
--   2. rejects, which a repeat recognises by their ids;
--   3. sums and cursor, on one key by one command: the fold has happened, wholly;
--   4. hashes and results, which are copies: a sensor that fails here is noted and written again
--      by the next fold;
--   5. the group, then the trimming, which both follow the cursor.
-- A fault before 3 leaves everything to the next fold; one after 3 costs only copies, made again.

-- Returns a clock of microseconds. Redis 7.0 has no os.clock, but there TIME runs on in a script.
local function make_clock()
  local found, clock = pcall(function() return os.clock end)
  if found then
    return function() return clock() * 1e6 end
  end
  return function()
    local now = redis.call('TIME')
    return now[1] * 1e6 + now[2]
  end
end

local clock_us = make_clock()
local started_us = clock_us()
local keys = { results = results, rejects = rejects, stats_prefix = stats_prefix }
local limits = {
  max_batch = tonumber(max_batch), skew_ms = tonumber(future_skew_ms),
  results_maxlen = results_maxlen, rejects_maxlen = rejects_maxlen,
}

local function busy_us()
  return math.floor(clock_us() - started_us)
end

-- Returns a list of the records of these sensors, false where there is none.
local function load_records(names)
  local records = {}
  for first, last in publish.chunks(names, 1000) do
    local reply = redis.call('HMGET', state, unpack(names, first, last))
    for i = 1, #reply do
      records[#records + 1] = reply[i]
    end
  end
  return records
end

-- Returns the arguments of the HSET that commits the fold, what is to be shown of each sensor, and
-- how many readings and duplicates there were.
local function compute(runs)
  local names, commit, shown = {}, {}, { fields = {}, lengths = {}, changed = {} }
  local readings_folded, duplicates = 0, 0
  for i = 1, #runs do names[i] = runs[i].sensor end
  local records = load_records(names)
  for i = 1, #runs do
    local s = sensor.begin(records[i])
    local before = s.duplicates
    sensor.step(s, runs[i])
    commit[2 * i - 1] = names[i]
    commit[2 * i], shown.fields[i], shown.lengths[i], shown.changed[i] = sensor.finish(s)
    readings_folded, duplicates = readings_folded + runs[i].n, duplicates + s.duplicates - before
  end
  return names, commit, shown, readings_folded, duplicates
end

-- Publishes these sensors; returns the names of those that failed, and the first error.
local function publish_all(names, shown)
  local failed, fault = {}, nil
  for i = 1, #names do
    local err = publish.sensor(keys, names[i], shown.fields[i], shown.lengths[i], shown.changed[i])
    if err then
      failed[#failed + 1], fault = names[i], fault or err
    end
  end
  return failed, fault
end

-- Publishes again what an earlier fold could not, but for sensors that this one has published.
local function publish_dirty(dirty, done, failed)
  local fault
  local names = {}
  for _, name in ipairs(dirty) do
    if not done[name] then names[#names + 1] = name end
  end
  local records = load_records(names)
  for i, name in ipairs(names) do
    if records[i] then
      local _, fields, f = sensor.finish(sensor.begin(records[i]))
      local err = publish.sensor(keys, name, fields, f, f)
      if err then failed[#failed + 1], fault = name, fault or err end
    end
  end
  return fault
end

local function count_codes(list)
  local counts, flat = {}, {}
  for _, r in ipairs(list) do counts[r.code] = (counts[r.code] or 0) + 1 end
  for code, n in pairs(counts) do
    flat[#flat + 1], flat[#flat + 2] = code, n
  end
  return flat
end

local c, orphan = cursor.load(readings, state)
local dirty = publish.load_dirty(state)
if not c then
  return { 0, 0, 0, 0, 0, 0, busy_us(), orphan or '0-0', 'NOSTREAM', {} }
end
local entries = {}
if c.last ~= c.id then
  entries = redis.call('XRANGE', readings, '(' .. c.id, '+', 'COUNT', count)
end
if #entries == 0 and #dirty == 0 then
  if c.read ~= c.added then -- what was unread has been deleted by hand
    c.read = c.added
    local args = {}
    cursor.save(c, args)
    redis.call('HSET', state, unpack(args))
  end
  if not cursor.is_shown(c, readings, group) then -- an earlier fold could not, or it was deleted
    cursor.show(c, readings, group)
  end
  return { 0, 0, 0, 0, 0, 0, busy_us(), c.id, '', {} }
end

limits.safe_ms = #entries > 0 and stream_id.ms(entries[1][1]) + limits.skew_ms or 0
local runs, bad, looked_at = collect.collect(entries, limits, tonumber(count))
local names, commit, shown, folded, duplicates = compute(runs)

cursor.show(c, readings, group)
publish.rejects(keys, limits, bad, c.id)
if looked_at > 0 then
  c.id = entries[looked_at][1]
  c.read = c.id == c.last and c.added or math.min(c.read + looked_at, c.added)
end
cursor.save(c, commit)
redis.call('HSET', state, unpack(commit))

local failed, fault = publish_all(names, shown)
if #dirty > 0 then
  local done = {}
  for _, name in ipairs(names) do done[name] = true end
  fault = publish_dirty(dirty, done, failed) or fault
end
fault = publish.trim_results(keys, limits) or fault
publish.save_dirty(state, failed, #dirty > 0)
cursor.show(c, readings, group)
trim.trim(c, readings, group, tonumber(readings_tail))
return {
  looked_at, folded, #names, duplicates, #bad, c.added - c.read, busy_us(), c.id, fault or '',
  count_codes(bad),
}
