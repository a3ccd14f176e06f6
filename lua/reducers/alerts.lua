-- alerts: which rules fire for one sensor. Reads `rules`, and asks whether `firing` is there; what
-- changes goes to the outbox.
--- INCLUDE times glob ruleset
--
-- Each reading is judged against the state before it. Only changes are told: one entry each for
-- firing and resolved. A rule that was changed goes on from where it was; one that was removed, or
-- is no longer for this sensor, is resolved by the next fold that meets the sensor.
local M = { tag = string.byte('a') }

local REST, FIRED, LOW = 0, 1, 2 -- of a rule; LOW: fired by the lower limit
local LEAST_WEIGHT = 5 -- of what a deviation is measured by, in readings of now: else it is noise
local GONE = -1 -- stands for the version of rules that are not there any more
local TYPES = { 'limit', 'deviation', 'stuck', 'silence' }
local NUMBERS = { limit = 1, deviation = 2, stuck = 3, silence = 4 }
local SAYS = {
  limit = '{sensor} is at {value}, which is {threshold}',
  deviation = '{sensor} is at {value}, more than {threshold} from its mean',
  stuck = '{sensor} has been at {value} for {threshold}',
  silence = '{sensor} has sent nothing for {threshold}',
}
local RESOLVED = {
  limit = '{sensor} is back at {value}', deviation = '{sensor} is back at {value}',
  stuck = '{sensor} has moved to {value}', silence = '{sensor} sends again',
  forgotten = '{sensor} was forgotten',
  gone = 'the rule {rule} is no longer there for {sensor}',
}
local keys, maxlen, at_ms
local huge, ms, pack, concat = math.huge, stream_id.ms, struct.pack, table.concat

-- Returns false where there are no rules and nothing fires: nobody has ever given any, or what fired
-- under those that are gone is resolved.
function M.setup(options, names)
  keys, maxlen, at_ms = names, options.alerts_maxlen, options.now_ms
  local there = options.alerts and ruleset.load(keys.rules)
  if not there and redis.call('EXISTS', keys.firing) == 0 then
    return false
  end
  options.rules_version = there and ruleset.version or GONE
  if options.half_life_ms > 0 then weights.before = ruleset.has.deviation end
  return true
end

-- The state: by the name of a rule, what is to be known of it: its type; at rest or how it fired;
-- since when, in ms of event time; and the value that fired, or that may be stuck.
function M.begin(record, at)
  local a, n = {}, 0
  if record then n, at = struct.unpack('<B', record, at) end
  for _ = 1, n do
    local one, name = {}
    one.type, one.state, name, one.since, one.value, at = struct.unpack('<BBBc0dd', record, at)
    a[name] = one
  end
  return a
end

local told = {} -- of one sensor, to be put in the order of its readings

-- Tells a change of one rule, by reading i of a run or (0) by none; t is its event time, `id` that
-- of the reading or ''.
local function tell(s, rule, state, message, value, threshold, t, id, i)
  local said = { sensor = s.name, rule = rule.name, value = value, threshold = threshold }
  local fields = { 'sensor', s.name, 'rule', rule.name, 'type', rule.type, 'state', state,
    'value', value, 'threshold', threshold, 'ts', number.shortest(t),
    'at', number.shortest(at_ms), 'id', id,
    'message', (string.gsub(rule.message or message, '{(%a+)}', said)) }
  local json
  if state == 'firing' then
    json = {}
    for at = 1, #fields, 2 do
      json[#json + 1] = '"' .. fields[at] .. '":' .. cjson.encode(fields[at + 1])
    end
    json = '{' .. concat(json, ',') .. ',"since":' .. number.shortest(t) .. '}'
  end
  told[#told + 1] = { i = i, n = #told, fields = fields, name = rule.name .. ':' .. s.name, json = json }
end

local function earlier(a, b)
  if a.i ~= b.i then return a.i < b.i end
  return a.n < b.n
end

-- Puts what was told into the outbox.
local function send()
  if #told == 0 then
    return
  end
  if #told > 1 then table.sort(told, earlier) end
  for _, one in ipairs(told) do
    outbox.entry('changes', keys.alerts, maxlen, one.fields)
    outbox.field(keys.firing, one.name, one.json)
  end
  told = {}
end

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

local function limit(a, rule, values, n, run, s)
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

local function deviation(a, rule, values, n, run, s)
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

local function stuck(a, rule, values, n, run, s)
  times.note(run)
  local one = a[rule.name]
  if one and one.state ~= REST and run.low == run.high and run.low == one.value then
    return
  elseif one and one.state == REST
    and run.high_ts - math.min(one.since, run.low_ts) < rule.after_ms then
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
local function seen_ms(s)
  return s.seen_ms or s.arrival_ms
end

-- A sensor has been silent: told as of the moment at which that was so, before reading i.
local function fall_silent(a, rule, s, arrival, i)
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

local function silence(a, rule, _, n, run, s)
  local before = run.seen_ms or ms(run.ids[1])
  if not a[rule.name] and seen_ms(s) - before <= rule.after_ms then
    return
  end
  local ids, at = arrivals(run, n)
  for k, id in ipairs(ids) do
    local now = ms(id)
    if not a[rule.name] and now - before > rule.after_ms then
      fall_silent(a, rule, s, before, at[k])
    end
    if a[rule.name] then end_silence(a, rule, s, run, id, at[k]) end
    before = now
  end
end

local JUDGES = { limit = limit, deviation = deviation, stuck = stuck, silence = silence }

local function names_in(a)
  local names = {}
  for name in pairs(a) do names[#names + 1] = name end
  if #names > 1 then table.sort(names) end
  return names
end

-- Drops what is known of a rule, and tells so where it fired.
local function let_go(a, s, name, message)
  if a[name].state ~= REST then
    local t = math.max(s.last_ts, a[name].since)
    tell(s, { name = name, type = TYPES[a[name].type] }, 'resolved', message, '', '', t, '', 0)
  end
  a[name] = nil
end

-- Notes in the sensor's state which rules are for it, and lets go of those that no longer are.
local function find_rules(a, s)
  s.rules = ruleset.of(s.name, s.kind)
  local types, gone = s.rules.types, false
  for name, one in pairs(a) do
    if types[name] ~= TYPES[one.type] then gone = true end
  end
  if gone then
    for _, name in ipairs(names_in(a)) do
      if types[name] ~= TYPES[a[name].type] then let_go(a, s, name, RESOLVED.gone) end
    end
  end
end

-- Notes the least and the largest value of a run.
local function note_range(run, values, n)
  local low, high = values[1], values[1]
  if run.delta then
    low, high = run.delta.min, run.delta.max
  else
    for i = 2, n do
      local v = values[i]
      if v < low then low = v elseif v > high then high = v end
    end
  end
  run.low, run.high = low, high
end

function M.step(a, values, n, run, s)
  find_rules(a, s)
  if #s.rules == 0 then
    return send()
  end
  note_range(run, values, n)
  for _, rule in ipairs(s.rules) do
    JUDGES[rule.type](a, rule, values, n, run, s)
  end
  send()
end

-- Takes note of entries of which none was folded: they end a silence.
function M.hear(a, run, s)
  find_rules(a, s)
  for _, rule in ipairs(s.rules) do
    if rule.type == 'silence' then silence(a, rule, nil, 0, run, s) end
  end
  send()
end

-- Judges a sensor that sent nothing.
function M.tick(a, now, s)
  if not s.rules then find_rules(a, s) end
  if s.last_id == '' then
    return send()
  end
  local arrival = seen_ms(s)
  for _, rule in ipairs(s.rules) do
    if rule.type == 'silence' and not a[rule.name] and now - arrival > rule.after_ms then
      fall_silent(a, rule, s, arrival, 0)
    end
  end
  send()
end

-- Returns when a sensor will have been silent for too long.
function M.deadline(a, s)
  local first = huge
  if ruleset.has.silence then
    for _, rule in ipairs(s.rules or ruleset.of(s.name, s.kind)) do
      if rule.type == 'silence' and not a[rule.name] and rule.after_ms + 1 < first then
        first = rule.after_ms + 1
      end
    end
  end
  return first < huge and s.arrival_ms and seen_ms(s) + first or huge
end

-- Resolves what fires for a sensor that is forgotten.
function M.forget(a, s)
  for _, name in ipairs(names_in(a)) do let_go(a, s, name, RESOLVED.forgotten) end
  send()
end

function M.finish(a, _, f)
  local names = names_in(a)
  local parts = { pack('<B', #names) }
  for _, name in ipairs(names) do
    local one = a[name]
    parts[#parts + 1] = pack('<BBBc0dd', one.type, one.state, #name, name, one.since, one.value)
  end
  return f, concat(parts)
end

return M
