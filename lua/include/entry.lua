-- entry: one stream entry to one or more checked readings, or the reason why not. Pure.
--
-- rillet/validate.py holds the same rules for the API; a test runs both on the same cases.
local M = {}

local find, sub = string.find, string.sub
local LIMIT = 1e100
M.LIMIT = LIMIT
local TS_LIMIT = 8.64e15 -- the range of ECMAScript's dates, year 271821 at most
local SEQ_LIMIT = 9007199254740991 -- 2^53 - 1

-- Returns the known fields of an entry's flat list of names and values; of a repeat, the last.
function M.read(list)
  local sensor, value, values, packed, ts, seq, kind, unit
  for j = 1, #list, 2 do
    local name = list[j]
    if name == 'sensor' then sensor = list[j + 1]
    elseif name == 'value' then value = list[j + 1]
    elseif name == 'ts' then ts = list[j + 1]
    elseif name == 'seq' then seq = list[j + 1]
    elseif name == 'kind' then kind = list[j + 1]
    elseif name == 'unit' then unit = list[j + 1]
    elseif name == 'values' then values = list[j + 1]
    elseif name == 'packed' then packed = list[j + 1]
    end
  end
  return sensor, value, values, packed, ts, seq, kind, unit
end

-- Returns code, reason of a sensor name that cannot be taken; nil if it can.
function M.check_sensor(sensor)
  if not sensor or sensor == '' then
    return 'missing_sensor', 'the field sensor is missing or empty'
  end
  if #sensor > 128 then
    return 'bad_sensor', 'the sensor name is longer than 128 bytes'
  end
  if find(sensor, '[^\32-\126]') then
    return 'bad_sensor', 'the sensor name has bytes that are not printable ASCII'
  end
end

-- Returns code, reason of a kind or unit that cannot be taken; nil if it can.
function M.check_label(name, text)
  if #text > 64 or find(text, '%c') then
    return 'bad_' .. name, name .. ' is longer than 64 bytes or has control characters'
  end
end

-- Returns the event time in ms, or nil, code, reason. `arrival_ms` is a function: it is rarely
-- needed, as a ts no later than `safe_ms` cannot lie too far ahead.
function M.parse_ts(text, safe_ms, skew_ms, arrival_ms)
  local ts = number.parse_integer(text)
  if not ts or ts > TS_LIMIT or ts < -TS_LIMIT then
    return nil, 'bad_ts', 'ts is not an integer of milliseconds since 1970'
  end
  if ts > safe_ms and ts > arrival_ms() + skew_ms then
    return nil, 'future_ts', 'ts lies more than ' .. skew_ms .. ' ms in the future'
  end
  return ts
end

-- Returns the sequence number, or nil, code, reason.
function M.parse_seq(text)
  local seq = number.parse_integer(text)
  if not seq or seq < 0 or seq > SEQ_LIMIT then
    return nil, 'bad_seq', 'seq is not an integer from 0 to 2^53-1'
  end
  return seq
end

-- Returns the value, or nil, code, reason.
function M.parse_value(text)
  local v = number.parse(text)
  if not v then
    return nil, 'bad_value', 'the value is not a decimal number'
  end
  if v > LIMIT or v < -LIMIT then
    return nil, 'value_out_of_range', 'the value is not within -1e100 and 1e100'
  end
  return v + 0
end

-- Appends the comma-separated numbers of `text` to `out` after n; returns how many, or nil, code,
-- reason; then what was appended is to be overwritten.
function M.parse_values(text, out, n, max_batch)
  local k, from, size = 0, 1, #text
  while from <= size + 1 do
    local comma = find(text, ',', from, true) or size + 1
    local v = M.parse_value(sub(text, from, comma - 1))
    k = k + 1
    if not v then
      return nil, 'bad_batch', 'number ' .. k .. ' of values is not a decimal number in range'
    elseif k > max_batch then
      return nil, 'bad_batch', 'values holds more than ' .. max_batch .. ' numbers'
    end
    out[n + k] = v
    from = comma + 1
  end
  return k
end

local DOUBLES = ('d'):rep(50) -- unpack's stack has room for so many

-- The same for little-endian float64s.
function M.parse_packed(bytes, out, n, max_batch)
  local k = #bytes / 8
  if k % 1 ~= 0 or k == 0 then
    return nil, 'bad_batch', 'packed is not a whole number of 8-byte floats'
  elseif k > max_batch then
    return nil, 'bad_batch', 'packed holds more than ' .. max_batch .. ' numbers'
  end
  for done = 0, k - 1, 50 do
    local part = { struct.unpack('<' .. sub(DOUBLES, 1, k - done), bytes, done * 8 + 1) }
    local at = n + done
    for i = 1, #part - 1 do -- the last one is where unpack ended
      local v = part[i]
      if not (v <= LIMIT and v >= -LIMIT) then
        return nil, 'bad_batch', 'number ' .. done + i .. ' of packed is not finite and in range'
      end
      out[at + i] = v + 0
    end
  end
  return k
end

return M
