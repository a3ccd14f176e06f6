-- closing: closes the windows of one sensor. Reads its slow record; what is told goes to the outbox.
--
-- Windows close in the order of their ends, of those that end together the finest first. A closed one
-- is written out, and added to that of the next larger size.
local M = {}

local sizes, keys, most, windows_maxlen
local huge, NONE = math.huge, spans.NONE
local MOST_UNSEEN = 128 -- spans of one window, which is what origins has at most; older ones become one

function M.setup(options, names)
  sizes, keys, most = options.sizes, names, options.sketch_buckets
  windows_maxlen = options.windows_maxlen
  coverage.setup(sizes)
  origins.setup(sizes)
  stored.setup(options, names)
end

-- Sets w.next_end after panes were opened or closed.
local function note_next_end(w, s)
  local first = w.open[1] and w.open[1].start + w.size or huge
  for _, p in ipairs(slow.of(s).open) do
    if p.start + p.size < first then first = p.start + p.size end
  end
  w.next_end = first
end

-- Counts the sketch of a pane among all values; also where quantiles have been turned off meanwhile.
local function count_all(s, p)
  if p.sketch ~= '' then
    local record = slow.of(s)
    record.sketch = buckets.merge(record.sketch, p.sketch, most)
  end
end

-- Returns the open pane of that size and start in the slow record, or nil.
local function held_at(s, size, start)
  for _, p in ipairs(slow.of(s).open) do
    if p.size == size and p.start == start then return p end
  end
end

-- Puts a pane into the slow record: into the open one of that size and start, if there is one.
local function hold(s, p, size, start)
  local into = held_at(s, size, start)
  if into then
    return pane.absorb(pane.open(into), p, most)
  end
  p.size, p.start = size, start
  table.insert(slow.of(s).open, p)
end

-- Returns the first level from `level` on, in whose windows one of that size and start lies, and the
-- start of that larger window; or nil.
local function larger(start, size, level)
  while sizes[level] do
    local one = sizes[level].ms
    local begin = start - start % one
    if one >= size and begin + one >= start + size then return level, begin end
    level = level + 1
  end
end

local function level_of(size)
  for level, one in ipairs(sizes) do
    if one.ms == size then return level end
  end
end

-- Returns a pane with other ones added; itself stays as it is.
local function with(p, parts)
  local whole = pane.open(pane.packed(p.start, pane.body(p)))
  for _, part in ipairs(parts) do pane.absorb(whole, part, most) end
  return whole
end

-- Gathers what is kept of what the windows of sizes[above] and all larger ones lack around [from, to),
-- of a list, from windows finer than sizes[level]. What one of them has would come to it twice.
local function gather_for(s, above, level, from, to, lacking)
  local wanted = lacking
  for i = above, #sizes do wanted = spans.both(wanted, coverage.of(s, sizes[i].ms)) end
  if #wanted == 0 then
    return {}
  end
  local parts, rest, unseen = stored.gather(s, level, from, to, wanted)
  origins.add(s, origins.NOWHERE, unseen)
  for i = above, #sizes do coverage.got(s, sizes[i].ms, spans.without(wanted, rest)) end
  return parts
end

-- Adds a closed pane to that of the next larger size; and of what it lacks (see coverage) and the
-- larger one as well, what is kept.
local function pass_on(s, p, level, lacking)
  local size = sizes[level].ms
  local above, start = larger(p.start, size, level + 1)
  if not above then
    return
  end
  if lacking then p = with(p, gather_for(s, above, level, p.start, p.start + size, lacking)) end
  hold(s, p, sizes[above].ms, start)
end

-- Writes a closed pane out, with what it lacks as far as that is kept, and passes it on. One of which
-- the slow record has another part is added to that, which closes next.
local function close(w, s, p, size)
  local level, other = level_of(size), held_at(s, size, p.start)
  if other then
    return pane.absorb(pane.open(other), p, most)
  end
  local one, to = sizes[level], p.start + size
  if to > w.closed_until then w.closed_until = to end
  local lacking, whole, rest = coverage.lacking(s, size, p.start, to), p, NONE
  local unseen = origins.unseen(s, size, p.start, to)
  local missing = unseen
  if lacking then
    local parts, more
    parts, rest, more = stored.gather(s, level, p.start, to, lacking)
    whole, unseen = with(p, parts), spans.fewer(spans.either(unseen, more), MOST_UNSEEN)
    missing = spans.either(unseen, rest)
  end
  outbox.element(keys.panes_prefix .. one.name .. ':' .. s.name, one.keep,
    pane.closed(whole, rest, unseen))
  outbox.entry('closed', keys.windows_prefix .. one.name, windows_maxlen,
    pane.fields(whole, s.name, size, missing))
  pass_on(s, p, level, lacking)
end

-- Takes the open pane that ends first out of its list, of those the finest; returns it, its size. The
-- values of those in the slow record are counted among all already.
local function take_first(w, s)
  local open, at, size = slow.of(s).open, nil, huge
  if w.open[1] and w.open[1].start + w.size == w.next_end then size = w.size end
  for i, p in ipairs(open) do
    if p.start + p.size == w.next_end and p.size < size then at, size = i, p.size end
  end
  local p = pane.open(table.remove(at and open or w.open, at or 1))
  if not at then count_all(s, p) end
  return p, size
end

-- Tells whether a window is open, or will be once one in it closes.
local function is_begun(w, s, size, start)
  for _, p in ipairs(w.open) do
    if p.start >= start and p.start + w.size <= start + size then return true end
  end
  for _, p in ipairs(slow.of(s).open) do
    if p.start >= start and p.start + p.size <= start + size then return true end
  end
  return false
end

-- Adds what is kept to the windows that lack it, and that lie around the end of the last closed one:
-- later it may not be kept any more.
local function fill(w, s)
  for level = 2, #sizes do
    local size = sizes[level].ms
    local start = w.closed_until - w.closed_until % size
    local lacking = coverage.lacking(s, size, start, start + size)
    if lacking and is_begun(w, s, size, start) then
      local parts = gather_for(s, level, level, start, start + size, lacking)
      for _, part in ipairs(parts) do hold(s, part, size, start) end
    end
  end
end

-- Minds a change of sizes: what is open of sizes that are gone goes to larger ones, if it lies in any.
local function notice(w, s)
  local orphans = coverage.notice(w, s)
  if not orphans then
    return
  end
  for _, p in ipairs(orphans) do
    local level, start = larger(p.start, p.size, 1)
    origins.move(s, p, sizes[level].ms)
    hold(s, pane.open(p), sizes[level].ms, start)
  end
  if w.closed_until > -huge then fill(w, s) end
  note_next_end(w, s)
end

-- Closes every open pane that ends by then, in order.
function M.close_until(w, watermark, s)
  if w.next_end <= watermark then notice(w, s) end
  while w.next_end <= watermark do
    local p, size = take_first(w, s)
    close(w, s, p, size)
    origins.expire(s, w.closed_until)
    note_next_end(w, s)
  end
end

-- Where the finest size was changed, hands what is open of the old one to the slow record.
function M.adopt(w, s)
  for _, p in ipairs(w.open) do count_all(s, pane.open(p)) end
  origins.note(s, w.open, w.size)
  for _, p in ipairs(w.open) do hold(s, p, w.size, p.start) end
  w.open = {}
  notice(w, s)
  w.size = sizes[1].ms
end

return M
