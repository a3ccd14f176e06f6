-- verdicts: which readings make a rule fire, and which resolve it. Tells each change.
--
-- A judge takes what is known of a sensor's rules by their names, one rule, and the n values of a
-- run. Each reading is judged against the state before it.
local M = { REST = 0, TYPES = { 'limit', 'deviation', 'stuck', 'silence' }, judges = {} }

local REST, FIRED, LOW = M.REST, 1, 2 -- of a rule; LOW: fired by the lower limit
local LEAST_WEIGHT = 5 -- of what a deviation is measured by, in readings of now: else it is noise
local NUMBERS = { limit = 1, deviation = 2, stuck = 3, silence = 4 }
local SAYS, RESOLVED = bulletin.SAYS, bulletin.RESOLVED
local tell, huge, ms = bulletin.tell, math.huge, stream_id.ms

-- Returns the id of the entry that reading i of a run came in.
local function id_of(run, i)
  while not run.ids[i] do i = i - 1 end
  return run.ids[i]
end

local function threshold_of(rule, state)
  return rule.threshold or (state == LOW and rule.low_text or rule.high_text) or ''
end

-- Reading i of a run makes a rule fire.
local function fire(a, rule, s, run, i, state)
  times.note(run)
  local v, t = run.values[i], run.times[i]
  a[rule.name] = { type = NUMBERS[rule.type], state = state, since = t, value = v }
  tell(s, rule, 'firing', SAYS[rule.type], number.shortest_measured(v), threshold_of(rule, state),
    t, id_of(run, i), i)
end

-- Reading i of a run resolves what fired.
local function resolve(a, rule, s, run, i)
  times.note(run)
  tell(s, rule, 'resolved', RESOLVED[rule.type], number.shortest_measured(run.values[i]),
    threshold_of(rule, a[rule.name].state), run.times[i], id_of(run, i), i)
  a[rule.name] = nil
end

function M.judges.limit(a, rule, values, n, run, s)
  local high, low, back = rule.high or huge, rule.low or -huge, rule.hysteresis or 0
  local state = a[rule.name] and a[rule.name].state or REST
  if state == REST and run.high <= high and run.low >= low then
    return
  end
  for i = 1, n do
    local v = values[i]
    if state == REST and (v > high or v < low) then
      state = v > high and FIRED or LOW
      fire(a, rule, s, run, i, state)
    elseif state ~= REST and v <= high - back and v >= low + back then
      state = REST
      resolve(a, rule, s, run, i)
    end
  end
end

function M.judges.deviation(a, rule, values, n, run, s)
  local before, fired = run.before, a[rule.name] ~= nil
  if not before then
    return -- there are no weighted figures
  end
  local square, least = rule.sigma * rule.sigma, math.min(rule.warm_up / 2, LEAST_WEIGHT)
  for i = 1, n do
    local d, variance = values[i] - before.means[i], before.variances[i]
    local far = variance > 0 and d * d > square * variance
    if far and not fired and before.weights[i] >= least and before.n + i > rule.warm_up then
      fired = true
      fire(a, rule, s, run, i, FIRED)
    elseif fired and not far then
      fired = false
      resolve(a, rule, s, run, i)
    end
  end
end

function M.judges.stuck(a, rule, values, n, run, s)
  times.note(run)
  local one = a[rule.name]
  if one and one.state ~= REST and run.low == run.high and run.low == one.value then
    return
  elseif one and one.state == REST
    and run.high_ts - one.since < rule.after_ms and run.high_ts - run.low_ts < rule.after_ms then
    local i, v = n, values[n] -- too short for anything to be stuck in it: the last stretch counts
    while i > 1 and values[i - 1] == v do i = i - 1 end
    if i > 1 or v ~= one.value then one.since, one.value = run.times[i], v end
    return
  end
  for i = 1, n do
    local v, t = values[i], run.times[i]
    if one and one.state == REST and v ~= one.value then
      one.since, one.value = t, v
    elseif not one or v ~= one.value then
      if one then resolve(a, rule, s, run, i) end
      one = { type = NUMBERS.stuck, state = REST, since = t, value = v }
      a[rule.name] = one
    elseif one.state == REST and t - one.since >= rule.after_ms then
      fire(a, rule, s, run, i, FIRED)
      one = a[rule.name]
    end
  end
end

-- Returns when the last entry of a sensor was added, good or not.
function M.seen_ms(s)
  return s.seen_ms or s.arrival_ms
end

-- A sensor has been silent: told as of the moment at which that was so, before reading i.
function M.fall_silent(a, rule, s, arrival, i)
  local t = arrival + rule.after_ms
  a[rule.name] = { type = NUMBERS.silence, state = FIRED, since = t, value = 0 }
  tell(s, rule, 'firing', SAYS.silence, '', threshold_of(rule), t, '', i)
end

-- Returns the ids of the entries of a run in their order, those that were not folded among them (from
-- the sensor's first good one on), and by the same index the number of the reading, or between two.
local function arrivals(run, n)
  local ids, at, others, j = {}, {}, run.unfolded or {}, 1
  for i = 1, n + 1 do
    local id = run.ids[i]
    while others[j] and (i > n or id and stream_id.less(others[j], id)) do
      if run.seen_ms or #ids > 0 then ids[#ids + 1], at[#at + 1] = others[j], i - 0.5 end
      j = j + 1
    end
    if i <= n and id then ids[#ids + 1], at[#at + 1] = id, i end
  end
  return ids, at
end

-- An entry of the sensor ends its silence: reading i of the run, or one that was not folded.
local function end_silence(a, rule, s, run, id, i)
  if i == math.floor(i) then
    return resolve(a, rule, s, run, i)
  end
  tell(s, rule, 'resolved', RESOLVED.silence, '', threshold_of(rule), ms(id), id, i)
  a[rule.name] = nil
end

function M.judges.silence(a, rule, _, n, run, s)
  local before = run.seen_ms or ms(run.ids[1])
  if not a[rule.name] and M.seen_ms(s) - before <= rule.after_ms then
    return
  end
  local ids, at = arrivals(run, n)
  for k, id in ipairs(ids) do
    local now = ms(id)
    if not a[rule.name] and now - before > rule.after_ms then
      M.fall_silent(a, rule, s, before, at[k])
    end
    if a[rule.name] then end_silence(a, rule, s, run, id, at[k]) end
    before = now
  end
end

return M
