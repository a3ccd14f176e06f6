-- collect: sorts the entries of one fold into runs, one a sensor, and rejects. Pure.
--
-- A run lists the sensor's readings in order: values, ids, and where given ts and seq by the same
-- index; span[i] = k says that the k values from i came in one entry, and stand or fall together.
local M = {}

-- The most sensors of a fold: all are committed by one HSET, and unpack takes 7,999 values, of
-- which a sensor has up to four.
local MAX_SENSORS = 1900

local find, tonumber = string.find, tonumber
local NOT_DECIMAL, LIMIT = number.NOT_DECIMAL, entry.LIMIT -- the rules are those of entry

-- Returns the run of a sensor, new where this fold has not met it, or nil, code, reason.
local function run_of(runs, sensor)
  local run = sensor and runs[sensor]
  if run then
    return run
  end
  local code, reason = entry.check_sensor(sensor)
  if code then
    return nil, code, reason
  end
  run = { sensor = sensor, n = 0, rejected = 0, values = {}, ids = {}, last_id = nil,
    before_ts = nil, before_ms = nil, duplicates = nil, times = nil, low_ts = nil, high_ts = nil,
    first_at = nil, last_at = nil, codes = nil, unfolded = nil, seen_ms = nil } -- room for what the reducers note, made once
  runs[sensor], runs[#runs + 1] = run, run
  return run
end

-- Appends the values of one entry after run.n; returns how many, or nil, code, reason.
local function take_values(run, value, values, packed, max_batch)
  local n = run.n
  if value and not values and not packed then
    local v, code, reason = entry.parse_value(value)
    run.values[n + 1] = v
    return v and 1, code, reason
  elseif values and not value and not packed then
    return entry.parse_values(values, run.values, n, max_batch)
  elseif packed and not value and not values then
    return entry.parse_packed(packed, run.values, n, max_batch)
  elseif value or values or packed then
    return nil, 'bad_batch', 'give one of value, values and packed, not several'
  end
  return nil, 'missing_value', 'the reading has no value, values or packed'
end

-- Sets kind and unit, where given, both or none; returns code, reason of the one that is bad.
local function take_labels(run, kind, unit)
  local code, reason
  if kind and kind ~= run.kind then code, reason = entry.check_label('kind', kind) end
  if unit and unit ~= run.unit and not code then
    code, reason = entry.check_label('unit', unit)
  end
  if not code then
    if kind and kind ~= '' then run.kind = kind end
    if unit and unit ~= '' then run.unit = unit end
  end
  return code, reason
end

-- Notes event time and seq for the k values after run.n.
local function note(run, k, id, ts, seq)
  local n = run.n
  run.ids[n + 1] = id
  if ts then
    run.ts = run.ts or {}
    for i = n + 1, n + k do run.ts[i] = ts end
  end
  if seq then
    run.seq = run.seq or {}
    run.seq[n + 1] = seq
  end
  if k > 1 then
    run.span = run.span or {}
    run.span[n + 1] = k
  end
  run.n, run.last_id = n + k, id
end

-- Puts one entry into its run; returns how many readings, or nil, code, reason, run or nil.
local function take(runs, id, list, limits)
  local sensor, value, values, packed, ts, seq, kind, unit = entry.read(list)
  local run, code, reason = run_of(runs, sensor)
  if not run then
    return nil, code, reason
  end
  if ts then
    ts, code, reason = entry.parse_ts(ts, limits.safe_ms, limits.skew_ms, function()
      return stream_id.ms(id)
    end)
  end
  if seq and not code then
    seq, code, reason = entry.parse_seq(seq)
  end
  local k
  if not code then
    k, code, reason = take_values(run, value, values, packed, limits.max_batch)
  end
  if (kind or unit) and not code then
    code, reason = take_labels(run, kind, unit)
  end
  if code then
    return nil, code, reason, run
  end
  note(run, k, id, ts, seq)
  return k
end

-- The most common entry, `sensor` and `value` alone for a sensor already met, taken without more
-- ado; returns 1, or nil for everything else, faults among it.
local function take_plain(runs, id, list)
  if list[5] or list[1] ~= 'sensor' or list[3] ~= 'value' then
    return nil
  end
  local run, text = runs[list[2]], list[4]
  if not run or find(text, NOT_DECIMAL) then
    return nil
  end
  local v = tonumber(text)
  if not v or v > LIMIT or v < -LIMIT then
    return nil
  end
  local n = run.n + 1
  run.values[n], run.ids[n], run.n, run.last_id = v + 0, id, n, id
  return 1
end

-- Returns runs (a list, and by name), rejects, how many entries were looked at, and what they weigh.
-- Fewer are looked at than given once they weigh as much as `budget` single readings (a batched
-- value costs about a tenth, a reject by its size) or MAX_SENSORS are met.
function M.collect(entries, limits, budget)
  local runs, rejected, weight = {}, {}, 0
  for i = 1, #entries do
    local id, list = entries[i][1], entries[i][2]
    local k, code, reason, run = take_plain(runs, id, list)
    if not k then
      k, code, reason, run = take(runs, id, list, limits)
    end
    if k then
      weight = weight + 0.9 + k * 0.1
    else
      rejected[#rejected + 1] = { id = id, code = code, reason = reason, fields = list }
      if run then
        run.rejected, run.unfolded = run.rejected + 1, run.unfolded or {}
        run.unfolded[run.rejected] = id
      end
      weight = weight + reject.weight(list)
    end
    if weight >= budget or #runs == MAX_SENSORS then
      return runs, rejected, i, weight
    end
  end
  return runs, rejected, #entries, weight
end

return M
