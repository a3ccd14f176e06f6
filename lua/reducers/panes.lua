-- panes: windows in event time of one sensor. Reads its slow record.
--- INCLUDE times blocks buckets spans pane origins coverage stored closing
--
-- A reading goes into one open pane, of the finest size. A pane closes once the watermark, the
-- sensor's latest event time less the allowed lateness, reaches its end; the watermark goes on by
-- the clock while nothing arrives, but then it closes only panes that are open (see closing). A
-- reading whose pane is closed is late. All this follows from the readings and their arrival alone,
-- however they are cut into folds.
local M = { tag = string.byte('w') }

local finest, lateness, keys, most, late_maxlen
local huge, ms = math.huge, stream_id.ms
local pack, unpack_struct, sub = struct.pack, struct.unpack, string.sub

function M.setup(options, names)
  finest, lateness, keys = options.sizes[1].ms, options.lateness_ms, names
  most, late_maxlen = options.sketch_buckets, options.late_maxlen
  closing.setup(options, names)
  moments.share = true
  if options.quantiles then sketch.own = false end
end

-- Returns the start of the pane of some size that t is in. From sizes of a second on this is exact.
local function start_of(t, size)
  return t - t % size
end

local MANY = 65535 -- in the place of the number of open panes: an uint32 with it follows

-- The state: the finest size; the end of the last pane closed; the first end of all open panes,
-- the larger ones too; how many readings were late; and the open panes of the finest size.
function M.begin(record, at)
  if not record then
    return { size = finest, closed_until = -huge, next_end = huge, late = 0, open = {} }
  end
  local size, closed_until, next_end, late, n
  size, closed_until, next_end, late, n, at = unpack_struct('<ddddH', record, at)
  if n == MANY then n, at = unpack_struct('<I4', record, at) end
  local open = { nil, nil }
  for i = 1, n do
    local start, body
    start, body, at = unpack_struct('<dHc0', record, at)
    open[i] = pane.packed(start, body)
  end
  return { size = size, closed_until = closed_until, next_end = next_end, late = late, late_before = late,
    open = open }
end

-- Returns the open pane of the finest size that starts there, made where there is none.
local function open_at(w, start)
  local open, i = w.open, #w.open
  while i > 0 and open[i].start > start do i = i - 1 end
  if i > 0 and open[i].start == start then
    return pane.open(open[i])
  end
  local p = pane.new(start)
  table.insert(open, i + 1, p)
  if start + finest < w.next_end then w.next_end = start + finest end
  return p
end

-- Adds the readings from..to of a run to an open pane.
local function put(p, values, from, to, run)
  local first, last = run.first_at, run.last_at
  if to - from + 1 == run.n then
    if run.delta then sums.add(p.m, run.delta) else moments.add(p.m, values, run.n) end
    if run.codes then p.sketch = buckets.append(p.sketch, run.codes, most) end
  else
    local part = {}
    for i = from, to do part[i - from + 1] = values[i] end
    moments.add(p.m, part, #part)
    if run.codes then
      p.sketch = buckets.append(p.sketch, sub(run.codes, 2 * from - 1, 2 * to), most)
    end
    first, last = from, from
    for i = from + 1, to do
      if run.times[i] < run.times[first] then first = i end
      if run.times[i] >= run.times[last] then last = i end
    end
  end
  local first_ts, last_ts = run.low_ts, run.high_ts
  if run.times then first_ts, last_ts = run.times[first], run.times[last] end
  if first_ts < p.first_ts then p.first, p.first_ts = values[first], first_ts end
  if last_ts >= p.last_ts then p.last, p.last_ts = values[last], last_ts end
end

-- Counts the readings from..to of a run as late, and notes each of their entries.
local function put_late(w, s, run, from, to, watermark)
  w.late = w.late + to - from + 1
  if run.codes then sketch.take(run.sketch, sub(run.codes, 2 * from - 1, 2 * to), s) end
  while from <= to do
    local next_from = from + 1
    while next_from <= to and not run.ids[next_from] do next_from = next_from + 1 end
    outbox.entry('late', keys.late, late_maxlen, { 'sensor', s.name, 'id', run.ids[from],
      'ts', number.shortest(run.times[from]), 'count', number.shortest(next_from - from),
      'watermark', number.shortest(watermark) })
    from = next_from
  end
end

-- Takes a run that lies in more than one pane, is late in part, or closes panes: one by one.
local function step_each(w, values, n, run, s, high, arrival)
  times.note(run)
  local from, start, bound = 1, nil, nil -- of the readings not yet put; a start of false is late
  local function flush(to)
    if start then
      put(open_at(w, start), values, from, to, run)
    elseif start == false then
      put_late(w, s, run, from, to, bound)
    end
    from, start = to + 1, nil
  end
  for i = 1, n do
    local t, id = run.times[i], run.ids[i]
    if id then
      local now = ms(id)
      local watermark = high + math.max(0, now - (arrival or now)) - lateness
      if w.next_end <= watermark then
        flush(i - 1)
        closing.close_until(w, watermark, s)
      end
      arrival = now
    end
    local floor = w.closed_until
    if high > -huge then floor = math.max(floor, start_of(high - lateness, finest)) end
    local mine = t >= floor and start_of(t, finest)
    if mine ~= start or floor ~= bound and not mine then
      flush(i - 1)
      start, bound = mine, floor
      if mine then open_at(w, mine) end
    end
    if t > high then high = t end
    if w.next_end <= high - lateness then
      flush(i)
      closing.close_until(w, high - lateness, s)
    end
  end
  flush(n)
end

-- Takes in a run: at once where all of it lies in one open pane and nothing closes meanwhile.
function M.step(w, values, n, run, s)
  if w.size ~= finest then closing.adopt(w, s) end
  times.note_bounds(run)
  local high, arrival = run.before_ts, run.before_ms
  local start = start_of(run.low_ts, finest)
  local own_end, latest, waited = start + finest, high, s.arrival_ms - (arrival or ms(run.ids[1]))
  local next_end = w.next_end < own_end and w.next_end or own_end
  if run.high_ts > latest then latest = run.high_ts end
  if waited < 0 then waited = 0 end
  if run.high_ts < own_end and latest + waited - lateness < next_end
    and run.low_ts >= w.closed_until and (high == -huge or own_end > high - lateness) then
    put(open_at(w, start), values, 1, n, run)
  else
    step_each(w, values, n, run, s, high, arrival)
  end
end

-- Closes what the clock closes of a sensor that is silent.
function M.tick(w, now, s)
  if w.size ~= finest then closing.adopt(w, s) end
  if s.last_id ~= '' then
    closing.close_until(w, s.last_ts + now - s.arrival_ms - lateness, s)
  end
end

-- Returns when the clock has something to close.
function M.deadline(w, s)
  return w.next_end < huge and s.arrival_ms + w.next_end + lateness - s.last_ts or huge
end

function M.finish(w, _, f)
  local n = #w.open
  if n == 1 then -- nearly always; the sketch is long, and should be copied but once
    local sums_of, sketch_of = pane.parts(w.open[1])
    return f, pack('<ddddHdH', w.size, w.closed_until, w.next_end, w.late, 1, w.open[1].start,
      #sums_of + #sketch_of) .. sums_of .. sketch_of
  end
  local head = pack('<ddddH', w.size, w.closed_until, w.next_end, w.late, n < MANY and n or MANY)
  local parts = { n < MANY and head or head .. pack('<I4', n), nil, nil }
  for i = 1, n do
    local p = w.open[i]
    local body = pane.body(p)
    parts[i + 1] = pack('<dHc0', p.start, #body, body)
  end
  return f, table.concat(parts)
end

function M.finish_steady(w, fields, f)
  fields[f + 1], fields[f + 2] = 'late', number.shortest(w.late)
  return f + 2, w.late ~= w.late_before
end

return M
