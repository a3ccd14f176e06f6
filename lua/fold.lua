--- Folds what `readings` holds and the group has not seen into the running statistics, atomically.
--- KEYS readings state results rejects late alerts_stream firing rules due
--- ARGV group stats_prefix windows_prefix panes_prefix count budget max_batch future_skew_ms readings_tail results_maxlen rejects_maxlen now_ms options
--- RETURNS entries readings sensors duplicates rejected backlog busy_us cursor fault codes closed late_readings changes forgotten due_left weight
--- INCLUDE exact alike number stream_id sequence entry reject collect sums slow outbox @reducers sensor cursor publish agenda removal setup trim
--
-- A script that fails half-way is not rolled back, so the order of the writes carries the promise:
--   1. the group is set to the cursor of `state` (changes nothing; as a first write that needs no
--      memory it also keeps the rest allowed when maxmemory is reached: folding frees memory);
--   2. scores in `due` that must be lower, as one too low does no harm; rejects, which a repeat
--      recognises by their ids;
--   3. sums, cursor and outbox, on one key by one command: the fold has happened, wholly;
--   4. what is in the outbox: what fails stays there, for the next fold to begin with;
--   5. hashes and results, which are copies: a sensor that fails here is noted and written again
--      by the next fold; the scores in `due` that may be higher now;
--   6. the group, then the trimming, which both follow the cursor.
-- A fault before 3 leaves everything to the next fold; one after 3 is made good by it.

-- Returns a clock of microseconds. Redis 7.0 has no os.clock, but there TIME runs on in a script.
local function make_clock()
  local found, of_process = pcall(function() return os.clock end)
  if found then
    return function() return of_process() * 1e6 end
  end
  return function()
    local now = redis.call('TIME')
    return now[1] * 1e6 + now[2]
  end
end

local clock_us = make_clock()
local started_us = clock_us()
local keys = {
  state = state, results = results, rejects = rejects, late = late, alerts = alerts_stream,
  firing = firing, rules = rules, due = due, stats_prefix = stats_prefix,
  windows_prefix = windows_prefix, panes_prefix = panes_prefix, results_maxlen = results_maxlen,
}
local limits = {
  max_batch = tonumber(max_batch), skew_ms = tonumber(future_skew_ms),
  results_maxlen = results_maxlen,
}
local NOTHING = { shown = {}, readings = 0, duplicates = 0, forgotten = 0 }
local HELD = 'ERR the sensor is still to be cleared away'
local DIRTY_EACH = 64
local DUE_EACH = 32 -- one due sensor for so many entries of a fold, and a few

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

-- Adds the sensors that are due to the runs: those without readings as quiet ones.
local function add_due(runs, names)
  for _, name in ipairs(names) do
    local run = runs[name]
    if not run then
      run = { sensor = name, n = 0, rejected = 0, values = {}, ids = {}, quiet = true }
      runs[name], runs[#runs + 1] = run, run
    end
    run.due = true
  end
end

-- Folds one run into a record; appends to the arguments of the HSET that commits the fold. Returns
-- the state, and what is to be shown of it, unless that is nothing.
local function fold_run(run, record, commit, now, caught_up, may_forget)
  if record == '' and not run.quiet then
    error({ err = HELD })
  end
  local s = sensor.begin(record, run.sensor)
  local before = s.duplicates
  sensor.step(s, run)
  run.duplicates = s.duplicates - before
  if agenda.on then agenda.settle(s, now, caught_up, run.due, may_forget) end
  if s.forgotten then
    removal.mark(s, commit)
    return s
  end
  local packed, fields, length, changed = sensor.finish(s)
  commit[#commit + 1], commit[#commit + 2] = run.sensor, packed
  if s.slow then
    commit[#commit + 1], commit[#commit + 2] = slow.PREFIX .. run.sensor, slow.pack(s.slow)
  end
  if run.quiet then return s end
  return s, { name = run.sensor, fields = fields, length = length, changed = changed }
end

-- Folds all runs; returns what to commit, and what came of it.
local function compute(runs, now, caught_up, may_forget)
  local all, commit = {}, {}
  local done = { shown = {}, readings = 0, duplicates = 0, forgotten = 0 }
  for i = 1, #runs do all[i] = runs[i].sensor end
  local records = load_records(all)
  for i = 1, #runs do
    local run, record = runs[i], records[i]
    if run.quiet and (not record or record == '') then
      agenda.drop(run.sensor)
    else
      local s, shown = fold_run(run, record, commit, now, caught_up, may_forget)
      done.readings, done.duplicates = done.readings + run.n, done.duplicates + run.duplicates
      if s.forgotten then done.forgotten = done.forgotten + 1 end
      done.shown[#done.shown + 1] = shown
    end
  end
  if done.forgotten > 0 then removal.count(done.forgotten, commit) end
  return commit, done
end

-- Publishes these sensors; returns the names of those that failed, and the first error.
local function publish_all(shown)
  local failed, fault = {}, nil
  for _, one in ipairs(shown) do
    local err = publish.sensor(keys, one.name, one.fields, one.length, one.changed)
    if err then
      failed[#failed + 1], fault = one.name, fault or err
    end
  end
  return failed, fault
end

-- Publishes again what an earlier fold could not, but for sensors that this one has published. Takes
-- so many a fold, however many wait: those that fail go to the end.
local function publish_dirty(dirty, done, failed)
  local fault
  local names, later = {}, {}
  for _, name in ipairs(dirty) do
    local list = #names < DIRTY_EACH and names or later
    if not done[name] then list[#list + 1] = name end
  end
  local records = load_records(names)
  for i, name in ipairs(names) do
    if records[i] and records[i] ~= '' then
      local _, fields, f = sensor.finish(sensor.begin(records[i], name))
      local err = publish.sensor(keys, name, fields, f, f)
      if err then later[#later + 1], fault = name, fault or err end
    end
  end
  for _, name in ipairs(failed) do later[#later + 1] = name end
  return later, fault
end

local function count_codes(list)
  local counts, flat = {}, {}
  for _, r in ipairs(list) do counts[r.code] = (counts[r.code] or 0) + 1 end
  for code, n in pairs(counts) do
    flat[#flat + 1], flat[#flat + 2] = code, n
  end
  return flat
end

local function reply_of(entries, done, rejected, c, fault, codes, due_left, weight)
  local counts = outbox.counts
  return {
    entries, done.readings, #done.shown, done.duplicates, rejected, c.added - c.read, busy_us(),
    c.id, fault or '', codes, counts.closed, counts.late, counts.changes, done.forgotten, due_left, math.ceil(weight or 0),
  }
end

local FIELDS = { cursor.FIELD, publish.DIRTY, outbox.FIELD, agenda.FIELD }
local saved, unpublished, unsent, swept = unpack(redis.call('HMGET', state, unpack(FIELDS)), 1, 4)
local c, orphan = cursor.load(readings, saved)
local dirty = publish.load_dirty(unpublished)
if not c then
  return reply_of(0, NOTHING, 0, { added = 0, read = 0, id = orphan or '0-0' }, 'NOSTREAM', {}, 0)
end
local set = setup.run(options, now_ms, keys)
agenda.setup(due, state, set)
local left, fault = {}, nil
if unsent then
  cursor.show(c, readings, group)
  left, fault = outbox.resume(unsent, state)
  if #left > outbox.MOST then
    return reply_of(0, NOTHING, 0, c, fault, {}, 0)
  end
end
local entries = {}
if c.last ~= c.id then
  entries = redis.call('XRANGE', readings, '(' .. c.id, '+', 'COUNT', count)
end
limits.safe_ms = #entries > 0 and stream_id.ms(entries[1][1]) + limits.skew_ms or 0
local runs, bad, looked_at, weight = collect.collect(entries, limits, tonumber(budget))
local caught_up = looked_at == #entries
  and (#entries < tonumber(count) or entries[looked_at][1] == c.last)
local due_left = 0
if agenda.on and caught_up then
  agenda.sweep(swept, set)
  local most = math.floor(tonumber(budget) / DUE_EACH) + 4
  local names = agenda.names(set.now_ms, most)
  due_left = #names == most and 1 or 0
  add_due(runs, names)
end
if #runs == 0 and #bad == 0 and looked_at == 0 and #dirty == 0 then
  if c.read ~= c.added or c.id ~= c.last then -- what was unread has been deleted by hand
    cursor.show(c, readings, group) -- a write that needs no memory comes first, as ever
    c.id, c.read = c.last, c.added
    local args = {}
    cursor.save(c, args)
    redis.call('HSET', state, unpack(args))
  end
  if not cursor.is_shown(c, readings, group) then -- an earlier fold could not, or it was deleted
    cursor.show(c, readings, group)
  end
  return reply_of(0, NOTHING, 0, c, fault, {}, 0)
end

local commit, done = compute(runs, set.now_ms, caught_up, #left == 0)
cursor.show(c, readings, group)
agenda.lower()
reject.write(rejects, rejects_maxlen, bad, c.id)
if looked_at > 0 then
  c.id = entries[looked_at][1]
  c.read = c.id == c.last and c.added or math.min(c.read + looked_at, c.added)
end
cursor.save(c, commit)
outbox.save(left, commit)
redis.call('HSET', state, unpack(commit))

fault = outbox.deliver(left, state) or fault
local failed, unpublished_fault = publish_all(done.shown)
fault = unpublished_fault or fault
if #dirty > 0 then
  local published = {}
  for _, one in ipairs(done.shown) do published[one.name] = true end
  local dirty_fault
  failed, dirty_fault = publish_dirty(dirty, published, failed)
  fault = dirty_fault or fault
end
fault = publish.trim_results(keys, limits) or fault
publish.save_dirty(state, failed, #dirty > 0)
if #failed > 0 and not fault then due_left = 1 end -- there are more to publish, and it works
fault = agenda.raise() or fault
cursor.show(c, readings, group)
trim.trim(c, readings, group, tonumber(readings_tail))
return reply_of(looked_at, done, #bad, c, fault, count_codes(bad), due_left, weight)
