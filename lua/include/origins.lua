-- origins: of which size the windows were that readings began in, where the finest size was changed.
-- Reads the slow record.
--
-- A reading goes into an open window of the finest size, and from there to the larger ones around it.
-- Where another size becomes the finest, it lies in the old window alone, so no window of a size that
-- the old one does not divide ever has it. So there are noted, by size, the spans of event time
-- [from, to) of the readings that were open then. What had closed before is known by coverage. A
-- sensor whose finest size stays has none of this.
local M = { NOWHERE = math.huge } -- the size of readings that are in no window any more

local horizon_ms
local both, either, without, NONE = spans.both, spans.either, spans.without, spans.NONE
local pack, unpack_struct = struct.pack, struct.unpack
local MOST_SIZES = 8 -- those of more, of the finest first, count as in no window
local MOST_SPANS = 16 -- of one size; older ones become one

-- Takes the sizes. What lies back twice as far as their windows are kept is forgotten: that is in no
-- window, nor in a span.
function M.setup(sizes)
  horizon_ms = 0
  for _, one in ipairs(sizes) do horizon_ms = math.max(horizon_ms, 2 * one.keep * one.ms) end
end

-- Returns what a slow record has of this: spans by size.
local function began(record)
  if not record.began then
    local found, at = {}, 1
    while at <= #record.origins do
      local size, n
      size, n, at = unpack_struct('<dB', record.origins, at)
      found[size], at = spans.unpack(record.origins, at, n), at + 16 * n
    end
    record.began = found
  end
  return record.began
end

-- Returns the sizes there are spans of, in order; of too many the finest are made NOWHERE.
local function order_of(found)
  local order = {}
  for size, list in pairs(found) do
    if #list > 0 then order[#order + 1] = size end
  end
  table.sort(order)
  while #order > MOST_SIZES do
    local size = table.remove(order, 1)
    found[M.NOWHERE], found[size] = either(found[M.NOWHERE] or NONE, found[size]), nil
    if order[#order] ~= M.NOWHERE then order[#order + 1] = M.NOWHERE end
  end
  return order
end

-- Packs it: of each size its ms, the number of spans and these.
local function save(record)
  local found, parts = record.began, {}
  for i, size in ipairs(order_of(found)) do
    local list = spans.fewer(found[size], MOST_SPANS)
    found[size] = list
    parts[i] = pack('<dB', size, #list / 2) .. spans.pack(list)
  end
  record.origins = table.concat(parts)
end

-- Adds spans to those of a size.
function M.add(s, size, list)
  if #list == 0 then
    return
  end
  local record = slow.of(s)
  local found = began(record)
  found[size] = either(found[size] or NONE, list)
  save(record)
end

-- Notes the open windows of the size that has been the finest, in their order.
function M.note(s, open, size)
  local list, n = {}, 0
  for _, p in ipairs(open) do
    if list[n] ~= p.start then list[n + 1], n = p.start, n + 2 end
    list[n] = p.last_ts + 1
  end
  M.add(s, size, list)
end

-- Notes that an open window went into one of another size, or NOWHERE.
function M.move(s, p, size)
  local record = slow.of(s)
  if record.origins == '' then
    return
  end
  local found, bounds = began(record), { p.start, p.start + p.size }
  local moved = both(found[p.size] or NONE, bounds)
  found[p.size] = without(found[p.size] or NONE, bounds)
  M.add(s, size, moved)
end

-- Returns the spans in [from, to) of whose readings windows of a size have none.
function M.unseen(s, size, from, to)
  local record, list = slow.of(s), NONE
  if record.origins ~= '' then
    for origin, of_it in pairs(began(record)) do
      if size % origin ~= 0 then list = either(list, of_it) end
    end
  end
  return #list > 0 and both(list, { from, to }) or NONE
end

-- Forgets what lies far back.
function M.expire(s, closed_until)
  local record, is_any = slow.of(s), false
  if record.origins == '' then
    return
  end
  local found, known = began(record), { closed_until - horizon_ms, math.huge }
  for size, list in pairs(found) do
    if #list > 0 and list[1] < known[1] then found[size], is_any = both(list, known), true end
  end
  if is_any then save(record) end
end

return M
