--- Folds what `readings` holds and the group has not seen into the running statistics, atomically.
--- KEYS readings state results rejects late alerts_stream firing rules due
--- ARGV group stats_prefix windows_prefix panes_prefix count budget due_most max_batch
--- ARGV future_skew_ms readings_tail results_maxlen rejects_maxlen now_ms options
--- RETURNS entries readings sensors duplicates rejected backlog busy_us cursor fault codes
--- RETURNS closed late_readings changes forgotten due_left weight
--- INCLUDE stopwatch chunks exact alike number stream_id sequence entry reject collect
--- INCLUDE sums figures slow outbox @reducers tally sensor cursor records publish
--- INCLUDE agenda removal setup runs trim
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

local keys = {
  state = state, results = results, rejects = rejects, late = late, alerts = alerts_stream,
  firing = firing, rules = rules, due = due, stats_prefix = stats_prefix,
  windows_prefix = windows_prefix, panes_prefix = panes_prefix, results_maxlen = results_maxlen,
}
local limits = {
  max_batch = tonumber(max_batch), skew_ms = tonumber(future_skew_ms),
}
local NOTHING = { shown = {}, readings = 0, duplicates = 0, forgotten = 0 }
local MOST_SENSORS = 1990 -- with those that are due: one HSET takes four values of each

local function reply_of(entries, done, rejected, c, fault, codes, due_left, weight)
  local counts = outbox.counts
  return {
    entries, done.readings, #done.shown, done.duplicates, rejected, c.added - c.read,
    stopwatch.busy_us(), c.id, fault or '', codes, counts.closed, counts.late, counts.changes,
    done.forgotten, due_left, math.ceil(weight or 0),
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
local found, bad, looked_at, weight = collect.collect(entries, limits, tonumber(budget))
local caught_up = looked_at == #entries
  and (#entries < tonumber(count) or entries[looked_at][1] == c.last)
local due_left, swept_now = 0, nil
if agenda.on and caught_up then
  local from = agenda.sweep_from(swept, set)
  if from then
    cursor.show(c, readings, group) -- a write that needs no memory comes first
    swept_now = agenda.sweep(from, set.now_ms)
  end
  local most = math.min(tonumber(due_most), MOST_SENSORS - #found)
  local names = agenda.names(set.now_ms, most)
  due_left = #names == most and 1 or 0
  runs.add_due(found, names)
end
if #found == 0 and #bad == 0 and looked_at == 0 and #dirty == 0 then
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
  if swept_now then redis.call('HSET', state, agenda.FIELD, swept_now) end
  return reply_of(0, NOTHING, 0, c, fault, {}, 0)
end

local commit, done = runs.fold(state, found, set.now_ms, caught_up, #left == 0)
cursor.show(c, readings, group)
agenda.lower()
reject.write(rejects, rejects_maxlen, bad, c.id)
if looked_at > 0 then
  c.id = entries[looked_at][1]
  c.read = c.id == c.last and c.added or math.min(c.read + looked_at, c.added)
end
if swept_now then commit[#commit + 1], commit[#commit + 2] = agenda.FIELD, swept_now end
cursor.save(c, commit)
outbox.save(left, commit)
redis.call('HSET', state, unpack(commit))

fault = outbox.deliver(left, state) or fault
local failed, unpublished_fault = publish.all(keys, done.shown)
fault = unpublished_fault or fault
if #dirty > 0 then
  local published = {}
  for _, one in ipairs(done.shown) do published[one.name] = true end
  local dirty_fault
  failed, dirty_fault = publish.dirty(keys, dirty, published, failed)
  fault = dirty_fault or fault
end
fault = publish.trim_results(keys) or fault
publish.save_dirty(state, failed, #dirty > 0)
if #failed > 0 and not fault then due_left = 1 end -- there are more to publish, and it works
fault = agenda.raise() or fault
cursor.show(c, readings, group)
trim.trim(c, readings, group, tonumber(readings_tail))
return reply_of(looked_at, done, #bad, c, fault, reject.count_codes(bad), due_left, weight)
