-- blocks: counts of buckets by their codes, packed as blocks of eight adjacent codes. Pure.
--
-- A block is a byte (its kind, and 16 times how many blocks before it are empty; 15 times says that
-- this number follows as an uint16) and eight counts, each of as many bits as the largest needs; or,
-- where that is shorter, a byte that tells which of them are not 0, and those alone. So the text
-- follows from the counts, however they came about. processor/sketch.py reads the same.
local M = {}

-- Of each kind with all counts: its layout from the first byte on, the bytes of its counts, what
-- each is below, and how many of them one integer holds, the first in the lowest bits.
local FORMS = { [0] = '<BI1', '<BI2', '<BI3', '<BI4', '<BI5', '<BI6', '<BBBBBBBBB', '<BI5I5', '<BI6I6',
  '<BHHHHHHHH', '<BI5I5I5I5', '<BI3I3I3I3I3I3I3I3' }
local SIZES = { [0] = 1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24 }
local BOUNDS = { [0] = 2, 4, 8, 16, 32, 64, 256, 1024, 4096, 65536, 1048576, 16777216 }
local EACH = { [0] = 8, 8, 8, 8, 8, 8, 1, 4, 4, 1, 2, 1 }
-- Of the kinds from SPARSE on, with some of the counts: the same of one of them.
local SPARSE = 12
local SOME_FORMS = { [0] = 'B', 'H', 'I4', 'd' }
local SOME_SIZES = { [0] = 1, 2, 4, 8 }
local SOME_BOUNDS = { [0] = 256, 65536, 4294967296, math.huge }
local ONES = { [0] = 0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4 } -- bits set in four
local FAR = 15
local MIDDLE = 4096 -- the block whose first code is that of zero
local NONE = { 0, 0, 0, 0, 0, 0, 0, 0 }

local byte, char, rep, sub, concat = string.byte, string.char, string.rep, string.sub, table.concat
local pack, unpack_struct = struct.pack, struct.unpack

-- Returns the first bytes of a block that comes after so many empty ones.
local function head_of(kind, skip)
  return skip < FAR and char(16 * skip + kind) or pack('<BH', 16 * FAR + kind, skip)
end

-- Returns kind, index and where the counts begin of the block at a place, after that of an index.
local function head_at(text, at, before)
  local head = byte(text, at)
  local kind = head % 16
  local skip = (head - kind) / 16
  if skip < FAR then
    return kind, before + 1 + skip, at + 1
  end
  local low, high = byte(text, at + 1, at + 2)
  return kind, before + 1 + low + 256 * high, at + 3
end

-- Returns how many bytes the counts of a block take.
local function size_of(kind, text, at)
  if kind < SPARSE then
    return SIZES[kind]
  end
  local mask = byte(text, at)
  local low = mask % 16
  return 1 + SOME_SIZES[kind - SPARSE] * (ONES[low] + ONES[(mask - low) / 16])
end

local function some_at(form, text, at)
  local list, mask = {}, byte(text, at)
  at = at + 1
  for j = 1, 8 do
    local bit = mask % 2
    mask, list[j] = (mask - bit) / 2, 0
    if bit == 1 then list[j], at = unpack_struct(form, text, at) end
  end
  return list
end

-- Returns the eight counts of a block.
local function counts_at(kind, text, at)
  if kind >= SPARSE then
    return some_at('<' .. SOME_FORMS[kind - SPARSE], text, at)
  end
  local each, bound = EACH[kind], BOUNDS[kind]
  local _, a, b, c, d, e, f, g, h = unpack_struct(FORMS[kind], text, at - 1)
  if each == 1 then
    return { a, b, c, d, e, f, g, h }
  end
  local list = { 0, 0, 0, 0, 0, 0, 0, 0 }
  for first = 1, 8, each do
    for j = first, first + each - 1 do
      local count = a % bound
      list[j], a = count, (a - count) / bound
    end
    a, b, c = b, c, d
  end
  return list
end

local function pack_some(kind, skip, list)
  local some, mask, bit = {}, 0, 1
  for j = 1, 8 do
    if list[j] > 0 then mask, some[#some + 1] = mask + bit, list[j] end
    bit = 2 * bit
  end
  local form = '<B' .. rep(SOME_FORMS[kind - SPARSE], #some)
  return head_of(kind, skip) .. pack(form, mask, unpack(some))
end

-- Returns a block of eight counts, n of them not 0, that comes after so many empty ones.
local function pack_block(skip, list, n, largest)
  local kind = 0
  while kind < SPARSE and largest >= BOUNDS[kind] do kind = kind + 1 end
  if n < 8 or kind == SPARSE then
    local some = 0
    while largest >= SOME_BOUNDS[some] do some = some + 1 end
    if kind == SPARSE or 1 + n * SOME_SIZES[some] < SIZES[kind] then
      return pack_some(SPARSE + some, skip, list)
    end
  end
  local form, each, x = FORMS[kind], EACH[kind], BOUNDS[kind]
  local head = 16 * (skip < FAR and skip or FAR) + kind
  local a, b, c, d, e, f, g, h = unpack(list, 1, 8)
  local text
  if each == 8 then
    text = pack(form, head, a + x * (b + x * (c + x * (d + x * (e + x * (f + x * (g + x * h)))))))
  elseif each == 4 then
    text = pack(form, head, a + x * (b + x * (c + x * d)), e + x * (f + x * (g + x * h)))
  elseif each == 2 then
    text = pack(form, head, a + x * b, c + x * d, e + x * f, g + x * h)
  else
    text = pack(form, head, a, b, c, d, e, f, g, h)
  end
  return skip < FAR and text or head_of(kind, skip) .. sub(text, 2)
end

-- Adds the old counts of a block to a list, and packs the sum.
local function put(out, index, list, old)
  local n, had, largest = 0, 0, 0
  for j = 1, 8 do
    local count, more = list[j], old[j]
    if more > 0 then
      had, count = had + 1, count + more
      list[j] = count
    end
    if count > 0 then n = n + 1 end
    if count > largest then largest = count end
  end
  if n == 0 then
    return
  end
  local p = out.p + 1
  out[p], out.p = pack_block(index - out.last - 1, list, n, largest), p
  out.last = index
  if index == MIDDLE and list[1] > 0 and old[1] == 0 then n = n - 1 end
  if index < MIDDLE then out.below = out.below + n - had else out.above = out.above + n - had end
end

-- Reads the blocks from..last of a text as lists of eight counts by index, ascending in `order`.
function M.read(text, from, last, lists, order)
  local n, index, kind = #order, -1
  while from <= last do
    kind, index, from = head_at(text, from, index)
    n = n + 1
    lists[index], order[n] = counts_at(kind, text, from), index
    from = from + size_of(kind, text, from)
  end
end

local function copy(out, text, from, last)
  if from <= last then
    out.p = out.p + 1
    out[out.p] = sub(text, from, last)
  end
end

-- Adds lists of eight counts to the blocks from..last of a text, of which all others are only
-- copied; returns the text of all, and how many more buckets it has below and above zero.
function M.added(text, from, last, lists, order)
  local out = { p = 0, last = -1, below = 0, above = 0 }
  local at, index, i, want = from, -1, 1, order[1] -- from: where what is not yet copied begins
  while want and at <= last do
    local kind, here, body = head_at(text, at, index)
    local next_at = body + size_of(kind, text, body)
    if want <= here then
      copy(out, text, from, at - 1)
      out.last, from = index, next_at
      while want and want < here do
        put(out, want, lists[want], NONE)
        i, want = i + 1, order[i + 1]
      end
      if want == here then
        put(out, here, lists[here], counts_at(kind, text, body))
        i, want = i + 1, order[i + 1]
      else
        copy(out, head_of(kind, here - out.last - 1), 1, 3)
        from = body
      end
    end
    index, at = here, next_at
  end
  copy(out, text, from, last)
  out.last = index -- that of the text's last block, where there is a rest
  for rest = i, #order do put(out, order[rest], lists[order[rest]], NONE) end
  return concat(out), out.below, out.above
end

return M
