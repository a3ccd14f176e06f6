-- coverage: which readings the windows of a sensor lack, as sizes were changed. Reads its slow record.
--
-- Windows close in the order of their ends, so what was closed when is a span of event time. A size
-- that was not there when some windows closed lacks their readings: those whose end is in such a
-- span. Of a size that was taken away the last span has no end. What an open window has will come to
-- the larger ones around it when it closes, so these do not lack it. A change is noticed by the sizes
-- in the record, before the first window closes under the new ones.
local M = {}

local sizes, HEAD, WHOLE
local huge, pack, unpack_struct = math.huge, struct.pack, struct.unpack
local both, outside, without, either = spans.both, spans.outside, spans.without, spans.either
local ALL, NONE = spans.ALL, spans.NONE
local MOST_GONE = 8 -- sizes taken away that are still known of
local MOST_SPANS = 16 -- of one size; older ones become one

function M.setup(list)
  sizes = list
  local parts = { pack('<B', #sizes) }
  for i, one in ipairs(sizes) do parts[i + 1] = pack('<d', one.ms) end
  HEAD = table.concat(parts)
  WHOLE = HEAD .. pack('<d', -huge)
end

-- Returns { sizes, lacking } of a record's piece: the sizes that there were, as a set, and by size,
-- also of those that are gone, what it lacks.
local function unpack_cover(cover)
  local found, n, at = { sizes = {}, lacking = {} }, unpack_struct('<B', cover)
  for _ = 1, n do
    local size
    size, at = unpack_struct('<d', cover, at)
    found.sizes[size] = true
  end
  at = at + 8
  while at <= #cover do
    local size
    size, n, at = unpack_struct('<dB', cover, at)
    found.lacking[size], at = spans.unpack(cover, at, n), at + 16 * n
  end
  return found
end

-- The piece: the sizes; until when any of them lacks something; and of each that does, what.
local function pack_cover(record)
  local order, last, parts = {}, -huge, {}
  for size, list in pairs(record.known.lacking) do
    if #list > 0 then order[#order + 1] = size end
    if #list > 0 and record.known.sizes[size] then last = math.max(last, list[#list]) end
  end
  table.sort(order)
  for i, size in ipairs(order) do
    local list = spans.fewer(record.known.lacking[size], MOST_SPANS)
    parts[i] = pack('<dB', size, #list / 2) .. spans.pack(list)
  end
  record.lacking_until = last
  record.cover = HEAD .. pack('<d', last) .. table.concat(parts)
end

-- Returns what is known of the sizes before a change; of a record of a former version, which does
-- not have it, that there were those of the windows that are open.
local function known(record, w)
  if record.cover ~= '' then
    return record.known or unpack_cover(record.cover)
  end
  local found = { sizes = { [w.size] = true }, lacking = {} }
  for _, p in ipairs(record.open) do found.sizes[p.size] = true end
  return found
end

-- Tells whether a window lies in one of that larger size.
local function fits(p, size)
  return p.size < size and p.start + p.size <= p.start - p.start % size + size
end

-- Returns all but what open windows hand on to larger ones of that size.
local function not_open(record, was, size)
  local rest = ALL
  for _, p in ipairs(record.open) do
    if fits(p, size) then
      local has = without({ p.start, p.start + p.size }, was.lacking[p.size] or NONE)
      rest = without(rest, has)
    end
  end
  return rest
end

-- Notes what sizes lack that are gone.
local function note_gone(record, was, now, past)
  for size in pairs(was.sizes) do
    if not now.sizes[size] then
      local had = both(past, not_open(record, was, size))
      now.lacking[size] = either(was.lacking[size] or NONE, outside(had))
    end
  end
  for size, list in pairs(was.lacking) do now.lacking[size] = now.lacking[size] or list end
end

-- Forgets of sizes that are gone all but the finest.
local function forget_many(now)
  local gone = {}
  for size in pairs(now.lacking) do
    if not now.sizes[size] then gone[#gone + 1] = size end
  end
  table.sort(gone)
  for i = MOST_GONE + 1, #gone do now.lacking[gone[i]] = nil end
end

-- Takes the windows of sizes that are gone out of the record; returns those that lie in a larger one.
-- The others are no more: should their size come back, it takes what is kept.
local function take_orphans(s, record, now)
  local stay, orphans = {}, {}
  for _, p in ipairs(record.open) do
    local larger = false
    for _, one in ipairs(sizes) do larger = larger or fits(p, one.ms) end
    if now.sizes[p.size] then
      stay[#stay + 1] = p
    else
      now.lacking[p.size] = either(now.lacking[p.size] or NONE, { p.start, p.start + p.size })
      if larger then orphans[#orphans + 1] = p else origins.move(s, p, origins.NOWHERE) end
    end
  end
  record.open = stay
  return orphans
end

-- Takes note of a change of sizes, before anything closes; returns nil where there is none, else the
-- open windows of sizes that are gone, which the caller is to add to larger ones.
function M.notice(w, s)
  local record = slow.of(s)
  if record.lacking_until then
    return nil
  elseif record.cover == WHOLE then
    record.lacking_until = -huge
    return nil
  elseif string.sub(record.cover, 1, #HEAD) == HEAD then
    record.lacking_until = unpack_struct('<d', record.cover, #HEAD + 1)
    return nil
  end
  local was, now = known(record, w), { sizes = {}, lacking = {} }
  local past = { -huge, w.closed_until }
  for _, one in ipairs(sizes) do now.sizes[one.ms] = true end
  for _, one in ipairs(sizes) do
    local size = one.ms
    local lacking = was.lacking[size] or was.sizes[size] and NONE or ALL
    now.lacking[size] = both(both(lacking, past), not_open(record, was, size))
  end
  note_gone(record, was, now, past)
  local orphans = take_orphans(s, record, now)
  forget_many(now)
  record.known = now
  pack_cover(record)
  return orphans
end

-- Returns what a size lacks.
function M.of(s, size)
  local record = slow.of(s)
  record.known = record.known or unpack_cover(record.cover)
  return record.known.lacking[size] or NONE
end

-- Returns what it lacks between two moments, or nil where that is nothing.
function M.lacking(s, size, from, to)
  if from >= slow.of(s).lacking_until then
    return nil
  end
  local list = both(M.of(s, size), { from, to })
  return #list > 0 and list or nil
end

-- Notes that a size does not lack some spans any more.
function M.got(s, size, list)
  local lacking, record = M.of(s, size), slow.of(s)
  record.known.lacking[size] = without(lacking, list)
  pack_cover(record)
end

return M
