-- pane: the readings of one sensor in one window: adding, merging, packing. Pure.
--
-- A pane has start, the values first and last by event time and those times, exact sums (m) and a
-- sketch ('' where none is kept; one that was not kept all the time lacks readings). While it lies
-- packed in `body` only its start is known.
local M = {}

local pack, unpack_struct, sub = struct.pack, struct.unpack, string.sub

-- Returns a pane without readings.
function M.new(start)
  return { start = start, first = 0, last = 0, first_ts = math.huge, last_ts = -math.huge,
    m = moments.begin(), sketch = '' }
end

-- Returns a pane that is still packed. Its room is made once.
function M.packed(start, body)
  return { start = start, body = body, m = nil, sketch = nil, first = nil, last = nil,
    first_ts = nil, last_ts = nil }
end

-- Unpacks a pane where it is still packed, and returns it.
function M.open(p)
  if not p.m then
    local body, size = p.body
    p.first, p.last, p.first_ts, p.last_ts, size = unpack_struct('<ddddH', body)
    p.m, p.sketch, p.body = moments.begin(body, 35), sub(body, 35 + size), nil
  end
  return p
end

-- Returns the packed pane, without its start, as two parts.
function M.parts(p)
  if not p.m then
    return p.body, ''
  end
  local m = moments.pack(p.m)
  return pack('<ddddH', p.first, p.last, p.first_ts, p.last_ts, #m) .. m, p.sketch
end

-- Returns the same as one.
function M.body(p)
  local sums_of, sketch_of = M.parts(p)
  return sums_of .. sketch_of
end

slow.body_of = M.body

-- Adds a pane to another; of readings at the same time those of `p` came later.
function M.absorb(into, p, most)
  sums.add(into.m, p.m)
  if p.first_ts < into.first_ts then into.first, into.first_ts = p.first, p.first_ts end
  if p.last_ts >= into.last_ts then into.last, into.last_ts = p.last, p.last_ts end
  if p.sketch ~= '' then into.sketch = buckets.merge(into.sketch, p.sketch, most) end
end

local START, MOMENTS, SKETCH, LACKING, UNSEEN = string.byte('pmqhu', 1, 5)

-- Returns a piece of spans, if there are any.
local function piece_of(tag, list)
  return #list == 0 and '' or pack('<BH', tag, 8 * #list) .. spans.pack(list)
end

-- Returns a closed pane as a list `panes:` holds it: pieces p, m, q where there is a sketch, and h
-- and u where it lacks readings (spans, see coverage and origins).
function M.closed(p, lacking, unseen)
  local m, q = moments.pack(p.m), p.sketch
  local pieces = pack('<BHddd', START, 24, p.start, p.first, p.last) .. pack('<BHc0', MOMENTS, #m, m)
  pieces = pieces .. piece_of(LACKING, lacking) .. piece_of(UNSEEN, unseen)
  return q == '' and pieces or pieces .. pack('<BHc0', SKETCH, #q, q)
end

-- Returns the pane of that. When its readings were is known only as far as its bounds.
function M.stored(bytes, size_ms)
  local p, at = { sketch = '', lacking = spans.NONE, unseen = spans.NONE }, 1
  while at <= #bytes do
    local tag, size
    tag, size, at = unpack_struct('<BH', bytes, at)
    if tag == START then p.start, p.first, p.last = unpack_struct('<ddd', bytes, at) end
    if tag == MOMENTS then p.m = moments.begin(bytes, at) end
    if tag == SKETCH then p.sketch = sub(bytes, at, at + size - 1) end
    if tag == LACKING then p.lacking = spans.unpack(bytes, at, size / 16) end
    if tag == UNSEEN then p.unseen = spans.unpack(bytes, at, size / 16) end
    at = at + size
  end
  p.first_ts, p.last_ts = p.start, p.start + size_ms - 1
  return p
end

local QS, NAMES = { 0.5, 0.9, 0.99 }, { 'p50', 'p90', 'p99' }

-- Returns the figures of a closed pane as the fields of its entry on `windows:`; and of how much of
-- its time readings are missing, of a list of spans.
function M.fields(p, name, size_ms, missing)
  local m, text, measured = p.m, number.shortest, number.shortest_measured
  local sum, mean, _, stddev = figures.of(m)
  local fields = { 'sensor', name, 'start', text(p.start), 'end', text(p.start + size_ms),
    'count', text(m.n), 'mean', text(mean), 'stddev', text(stddev), 'min', measured(m.min),
    'max', measured(m.max), 'sum', measured(sum), 'first', measured(p.first),
    'last', measured(p.last) }
  if p.sketch ~= '' then
    local found = buckets.quantiles(p.sketch, QS, m.n, m.min, m.max)
    for i = 1, #found do
      fields[#fields + 1], fields[#fields + 2] = NAMES[i], text(found[i])
    end
  end
  if #missing > 0 then
    fields[#fields + 1], fields[#fields + 2] = 'missing_ms', text(spans.length(missing))
  end
  return fields
end

return M
