-- alerts: which rules fire for one sensor. Reads `rules`, and asks whether `firing` is there; what
-- changes goes to the outbox.
--- INCLUDE times glob ruleset bulletin verdicts
--
-- Each reading is judged against the state before it. Only changes are told: one entry each for
-- firing and resolved. A rule that was changed goes on from where it was; one that was removed, or
-- is no longer for this sensor, is resolved by the next fold that meets the sensor.
local M = { tag = string.byte('a') }

local GONE = -1 -- stands for the version of rules that are not there any more
local huge, pack, concat = math.huge, struct.pack, table.concat

-- Returns false where there are no rules and nothing fires: nobody has ever given any, or what fired
-- under those that are gone is resolved.
function M.setup(options, names)
  bulletin.setup(options, names)
  local there = options.alerts and ruleset.load(names.rules)
  if not there and redis.call('EXISTS', names.firing) == 0 then
    return false
  end
  options.rules_version = there and ruleset.version or GONE
  if options.half_life_ms > 0 then weights.before = ruleset.has.deviation end
  return true
end

-- The state: by the name of a rule, what is to be known of it: its type; at rest or how it fired;
-- since when, in ms of event time; and the value that fired, or that may be stuck.
function M.begin(record, at)
  local a, n = { [''] = nil }, 0 -- room for one, made once
  if record then n, at = string.byte(record, at), at + 1 end
  for _ = 1, n do
    local kind, state, name, since, value
    kind, state, name, since, value, at = struct.unpack('<BBBc0dd', record, at)
    a[name] = { type = kind, state = state, since = since, value = value }
  end
  return a
end

local function names_in(a)
  local names = { nil }
  for name in pairs(a) do names[#names + 1] = name end
  if #names > 1 then table.sort(names) end
  return names
end

-- Drops what is known of a rule, and tells so where it fired.
local function let_go(a, s, name, message)
  if a[name].state ~= verdicts.REST then
    local t = math.max(s.last_ts, a[name].since)
    bulletin.tell(s, { name = name, type = verdicts.TYPES[a[name].type] }, 'resolved', message, '', '', t, '', 0)
  end
  a[name] = nil
end

-- Notes in the sensor's state which rules are for it, and lets go of those that no longer are.
local function find_rules(a, s)
  s.rules = ruleset.of(s.name, s.kind)
  local types, gone = s.rules.types, false
  for name, one in pairs(a) do
    if types[name] ~= verdicts.TYPES[one.type] then gone = true end
  end
  if gone then
    for _, name in ipairs(names_in(a)) do
      if types[name] ~= verdicts.TYPES[a[name].type] then let_go(a, s, name, bulletin.RESOLVED.gone) end
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
    return bulletin.send()
  end
  note_range(run, values, n)
  local rules, judges = s.rules, verdicts.judges
  for i = 1, #rules do
    judges[rules[i].type](a, rules[i], values, n, run, s)
  end
  bulletin.send()
end

-- Takes note of entries of which none was folded: they end a silence.
function M.hear(a, run, s)
  find_rules(a, s)
  for _, rule in ipairs(s.rules) do
    if rule.type == 'silence' then verdicts.judges.silence(a, rule, nil, 0, run, s) end
  end
  bulletin.send()
end

-- Judges a sensor that sent nothing.
function M.tick(a, now, s)
  if not s.rules then find_rules(a, s) end
  if s.last_id == '' then
    return bulletin.send()
  end
  local arrival = verdicts.seen_ms(s)
  for _, rule in ipairs(s.rules) do
    if rule.type == 'silence' and not a[rule.name] and now - arrival > rule.after_ms then
      verdicts.fall_silent(a, rule, s, arrival, 0)
    end
  end
  bulletin.send()
end

-- Returns when a sensor will have been silent for too long.
function M.deadline(a, s)
  local first = huge
  if ruleset.has.silence then
    local rules = s.rules or ruleset.of(s.name, s.kind)
    for i = 1, #rules do
      local rule = rules[i]
      if rule.type == 'silence' and not a[rule.name] and rule.after_ms + 1 < first then
        first = rule.after_ms + 1
      end
    end
  end
  return first < huge and s.arrival_ms and verdicts.seen_ms(s) + first or huge
end

-- Resolves what fires for a sensor that is forgotten.
function M.forget(a, s)
  for _, name in ipairs(names_in(a)) do let_go(a, s, name, bulletin.RESOLVED.forgotten) end
  bulletin.send()
end

function M.finish(a, _, f)
  local first, one = next(a)
  if not first then
    return f, '\0'
  elseif not next(a, first) then
    return f, pack('<BBBBc0dd', 1, one.type, one.state, #first, first, one.since, one.value)
  end
  local names = names_in(a)
  local parts = { pack('<B', #names), nil }
  for i = 1, #names do
    local name = names[i]
    one = a[name]
    parts[i + 1] = pack('<BBBc0dd', one.type, one.state, #name, name, one.since, one.value)
  end
  return f, concat(parts)
end

return M
