-- sensor: the state of one sensor, its record in the hash `state`, and one run folded into it. Pure.
--
-- A record is a list of pieces, each a tag, a length (uint16; 65535: an uint32 follows) and bytes:
-- first that of tally.lua ('s': counters, event times, seq window, labels), then one for each
-- reducer. A piece that no reducer claims is carried along unchanged, so a reducer can be taken out
-- and put back.
local M = {}

local pack, unpack_struct, sub, concat = struct.pack, struct.unpack, string.sub, table.concat
local OWN, LONG = string.byte('s'), 65535
local pack_own, own_fields, own_steady_fields = tally.pack, tally.fields, tally.steady_fields

local numbers, own_number, clocked

-- Notes which reducers there are, by tag, and which of them mind the clock (tick and deadline).
function M.setup()
  numbers, own_number, clocked = {}, #reducers + 1, {}
  numbers[OWN] = own_number
  for i = 1, #reducers do
    numbers[reducers[i].tag] = i
    if reducers[i].tick then clocked[#clocked + 1] = i end
  end
end

-- Returns, by the number of the reducer, where each piece of a record starts; and the pieces that no
-- reducer claims, as they are.
local function places_of(record)
  local places, others, at = { nil, nil, nil, nil, nil, nil, nil }, '', 1 -- room for the usual ones
  while at <= #record do
    local from, tag, size = at
    tag, size, at = unpack_struct('<BH', record, at)
    if size == LONG then size, at = unpack_struct('<I4', record, at) end
    local i = numbers[tag]
    if i then
      places[i] = at
    else
      others = others .. sub(record, from, at + size - 1)
    end
    at = at + size
  end
  return places, others
end

-- Returns the state of a sensor's record, or (false or empty) of one without: the own fields, and
-- by its number the state of each reducer.
function M.begin(record, name)
  if not record or record == '' then
    local s = tally.fresh()
    s.name = name
    for i = 1, #reducers do s[i] = reducers[i].begin() end
    return s
  end
  local places, others = places_of(record)
  local s = tally.unpack(record, places[own_number])
  s.steady = true -- until this fold changes a counter, a label or first_ts
  for i = 1, #reducers do
    local at = places[i]
    s[i] = reducers[i].begin(at and record, at)
  end
  s.name, s.unclaimed = name, others
  return s
end

-- Moves s.first_ts and s.last_ts over one event time.
local function note_ts(s, ts)
  if ts < s.first_ts then s.first_ts, s.steady = ts, false end
  if ts > s.last_ts then s.last_ts = ts end
end

-- Takes the readings out of a run whose seq was seen before, all values of an entry at once.
local function drop_duplicates(s, run)
  local values, ids, event_times, kept, i = {}, {}, {}, 0, 1
  local span, ts = run.span or {}, run.ts or {}
  while i <= run.n do
    local k, seq = span[i] or 1, run.seq[i]
    if not seq or sequence.is_new(s, seq, ts[i]) then
      ids[kept + 1] = run.ids[i]
      note_ts(s, ts[i] or stream_id.ms(run.ids[i]))
      for j = 0, k - 1 do
        values[kept + 1 + j], event_times[kept + 1 + j] = run.values[i + j], ts[i]
      end
      kept, s.last_id = kept + k, run.ids[i]
    else
      s.duplicates, run.unfolded = s.duplicates + k, run.unfolded or {}
      table.insert(run.unfolded, run.ids[i])
    end
    i = i + k
  end
  run.n, run.values, run.ids, run.ts = kept, values, ids, run.ts and event_times
  run.last_id = s.last_id
end

-- Event times of a run: a reading without ts happened when its entry was added.
local function note_times(s, run)
  local ts, ids = run.ts, run.ids
  if not ts then
    note_ts(s, stream_id.ms(ids[1]))
    if ids[1] ~= s.last_id then note_ts(s, stream_id.ms(s.last_id)) end
    return
  end
  for i = 1, run.n do
    if ts[i] then
      note_ts(s, ts[i])
    elseif ids[i] then
      note_ts(s, stream_id.ms(ids[i]))
    end
  end
end

-- Puts the entries of a run that were not folded (run.unfolded) in order, and notes in the state when
-- the last of them was added, if that was the last of all.
local function note_unfolded(s, run)
  local ids = run.unfolded
  if run.seq and run.rejected > 0 then table.sort(ids, stream_id.less) end
  local newest = ids[#ids]
  if s.last_id == '' or stream_id.less(s.last_id, newest) then s.seen_ms = stream_id.ms(newest) end
end

-- Lets the reducers know of a run of which nothing was folded.
local function hear(s, run)
  for _, i in ipairs(clocked) do
    if reducers[i].hear then reducers[i].hear(s[i], run, s) end
  end
end

-- Folds one run into the state.
function M.step(s, run)
  local kind, unit = run.kind or s.kind, run.unit or s.unit
  if run.seq or run.rejected > 0 or kind ~= s.kind or unit ~= s.unit then s.steady = false end
  s.kind, s.unit, s.rejected = kind, unit, s.rejected + run.rejected
  run.before_ts = s.last_ts
  if #clocked > 0 and s.last_id ~= '' then
    run.before_ms = stream_id.ms(s.last_id)
    run.seen_ms = s.seen_ms or run.before_ms
  end
  if run.seq then
    drop_duplicates(s, run)
  elseif run.n > 0 then
    s.last_id = run.last_id
    note_times(s, run)
  end
  if #clocked > 0 and s.last_id ~= '' then s.arrival_ms = stream_id.ms(s.last_id) end
  if run.n > 0 then s.seen_ms = nil end
  if run.unfolded then note_unfolded(s, run) end
  if run.n > 0 then
    for i = 1, #reducers do
      reducers[i].step(s[i], run.values, run.n, run, s)
    end
  elseif run.unfolded and s.last_id ~= '' then
    hear(s, run)
  end
end

local heads = {}

-- Returns what stands before a piece: its tag and length.
local function head_of(tag, size)
  if size >= LONG then
    return pack('<BHI4', tag, LONG, size)
  end
  local head = heads[tag * LONG + size] -- the same ones come again and again
  if not head then
    head = pack('<BH', tag, size)
    heads[tag * LONG + size] = head
  end
  return head
end

-- Lets each reducer that minds the clock do what is due at `now`.
function M.tick(s, now)
  for _, i in ipairs(clocked) do reducers[i].tick(s[i], now, s) end
end

-- Returns the first moment, by the wall clock in ms, at which a reducer has something to do.
function M.deadline(s)
  local first = math.huge
  for k = 1, #clocked do
    local i = clocked[k]
    local at = reducers[i].deadline(s[i], s)
    if at < first then first = at end
  end
  return first
end

-- Returns the record, the flat list of the fields that people see, its length, and how long the part
-- of it is that this fold has changed: what rarely changes comes last, and most often need not be
-- written to the hash again.
function M.finish(s)
  local fields = { nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil,
    nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil,
    nil, nil, nil, nil, nil } -- its room is made once, not by doubling
  local piece, f = pack_own(s), 0
  local parts = { head_of(OWN, #piece), piece, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil }
  for i = 1, #reducers do
    f, piece = reducers[i].finish(s[i], fields, f)
    parts[2 * i + 1], parts[2 * i + 2] = head_of(reducers[i].tag, #piece), piece
  end
  f = own_fields(s, fields, f)
  local steady_from, steady = f, s.steady
  for i = 1, #reducers do
    if reducers[i].finish_steady then
      local changed
      f, changed = reducers[i].finish_steady(s[i], fields, f)
      steady = steady and not changed
    end
  end
  f = own_steady_fields(s, fields, f)
  parts[#parts + 1] = s.unclaimed
  return concat(parts), fields, f, steady and steady_from or f
end

-- Returns when the last entry of the sensor was added, by the server's clock in ms; or nil. Rejects and
-- repeats count: s.seen_ms is that of one which came after the last good reading.
function M.seen_ms(s)
  return s.seen_ms or s.last_id ~= '' and stream_id.ms(s.last_id) or nil
end

return M
