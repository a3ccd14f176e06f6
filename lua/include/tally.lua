-- tally: what the record of every sensor holds beside its reducers: counters, event times, seq window
-- and labels. Pure.
local M = {}

local pack, unpack_struct = struct.pack, struct.unpack
local WITH_SEQ, SEEN = 1, 2 -- what follows the fields: the seq window, or seen_ms alone

-- Returns the state of a sensor without a record.
function M.fresh()
  return { duplicates = 0, rejected = 0, first_ts = math.huge, last_ts = -math.huge, last_id = '',
    kind = '', unit = '', gaps = 0, restarts = 0 }
end

-- Returns the state that a piece of a record says, with room for the reducers' states.
function M.unpack(record, at)
  local flags, duplicates, rejected, first_ts, last_ts, last_id, kind, unit, next_at =
    unpack_struct('<BddddBc0Bc0Bc0', record, at)
  local s = { nil, nil, nil, nil, nil, nil, -- the reducers'; all room is made once
    duplicates = duplicates, rejected = rejected, first_ts = first_ts, last_ts = last_ts,
    last_id = last_id, kind = kind, unit = unit, gaps = 0, restarts = 0, steady = nil, name = nil,
    unclaimed = nil, arrival_ms = nil, rules = nil, seen_ms = nil }
  if flags == SEEN then
    s.seen_ms = unpack_struct('<d', record, next_at)
  elseif flags == WITH_SEQ then
    s.seq_high, s.seq_low, s.seq_seen, s.gaps, s.restarts, next_at =
      unpack_struct('<ddddd', record, next_at)
    if next_at < at + unpack_struct('<H', record, at - 2) then -- behind it, by the piece's length
      s.seen_ms = unpack_struct('<d', record, next_at)
    end
  end
  return s
end

function M.pack(s)
  local flags = s.seq_high and WITH_SEQ or s.seen_ms and SEEN or 0
  local bytes = pack('<BddddBc0Bc0Bc0', flags, s.duplicates, s.rejected,
    s.first_ts, s.last_ts, #s.last_id, s.last_id, #s.kind, s.kind, #s.unit, s.unit)
  if flags == WITH_SEQ then
    bytes = bytes .. pack('<ddddd', s.seq_high, s.seq_low, s.seq_seen, s.gaps, s.restarts)
  end
  if s.seen_ms then bytes = bytes .. pack('<d', s.seen_ms) end
  return bytes
end

-- Appends the fields that each reading changes after f; returns the new f.
function M.fields(s, fields, f)
  if s.last_id == '' then
    return f
  end
  fields[f + 1], fields[f + 2] = 'last_ts', number.shortest(s.last_ts)
  fields[f + 3], fields[f + 4] = 'last_id', s.last_id
  return f + 4
end

-- Appends the fields that rarely change.
function M.steady_fields(s, fields, f)
  local whole = number.shortest
  if s.last_id ~= '' then
    fields[f + 1], fields[f + 2] = 'first_ts', whole(s.first_ts)
    f = f + 2
  end
  fields[f + 1], fields[f + 2] = 'duplicates', whole(s.duplicates)
  fields[f + 3], fields[f + 4] = 'gaps', whole(s.gaps)
  fields[f + 5], fields[f + 6] = 'rejected', whole(s.rejected)
  fields[f + 7], fields[f + 8] = 'restarts', whole(s.restarts)
  f = f + 8
  if s.kind ~= '' then
    fields[f + 1], fields[f + 2] = 'kind', s.kind
    f = f + 2
  end
  if s.unit ~= '' then
    fields[f + 1], fields[f + 2] = 'unit', s.unit
    f = f + 2
  end
  return f
end

return M
