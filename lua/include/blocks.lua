-- blocks: counts of buckets by their codes, packed as blocks of eight adjacent codes. Pure.
--
-- A block is a byte (its kind, and 16 times how many blocks before it are empty; 15 times says that
-- this number follows as an uint16) and eight counts, each of as many bits as the largest needs; or,
-- where that is shorter, a byte that tells which of them are not 0, and those alone. So the text
-- follows from the counts, however they came about. processor/sketch.py reads the same.
local M = {}

-- Of each kind below SPARSE the layout from the first byte on, the bytes of the counts, what each is
-- below, and how many of them one integer holds, the first in the lowest bits; of the others, that
-- have only some of the counts, the layout, the bytes and the bound of one.
local SPARSE = 12
local FORMS = { [0] = '<BI1', '<BI2', '<BI3', '<BI4', '<BI5', '<BI6', '<BBBBBBBBB', '<BI5I5', '<BI6I6',
  '<BHHHHHHHH', '<BI5I5I5I5', '<BI3I3I3I3I3I3I3I3', 'B', 'H', 'I4', 'd' }
local SIZES = { [0] = 1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 1, 2, 4, 8 }
local BOUNDS = { [0] = 2, 4, 8, 16, 32, 64, 256, 1024, 4096, 65536, 1048576, 16777216,
  256, 65536, 4294967296, math.huge }
local EACH = { [0] = 8, 8, 8, 8, 8, 8, 1, 4, 4, 1, 2, 1 }
local ONES = { [0] = 0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4 } -- bits set in four
local FAR = 15
local MIDDLE = 4096 -- the block whose first code is that of zero

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
  return 1 + SIZES[kind] * (ONES[low] + ONES[(mask - low) / 16])
end

local some_layouts = {}

-- Returns the layout of a block with n of its counts, from the first byte on.
local function some_layout(kind, n)
  local layout = some_layouts[9 * kind + n]
  if not layout then
    layout = '<BB' .. rep(FORMS[kind], n)
    some_layouts[9 * kind + n] = layout
  end
  return layout
end

local function some_at(kind, text, at)
  local mask = byte(text, at)
  local low = mask % 16
  local layout = some_layout(kind, ONES[low] + ONES[(mask - low) / 16])
  local list, found = { 0, 0, 0, 0, 0, 0, 0, 0 }, { unpack_struct(layout, text, at - 1) }
  local j, k = 1, 3
  while mask > 0 do
    if mask % 2 == 1 then
      list[j], k, mask = found[k], k + 1, mask - 1
    end
    j, mask = j + 1, mask / 2
  end
  return list
end

-- Returns the eight counts of a block.
local function counts_at(kind, text, at)
  if kind >= SPARSE then
    return some_at(kind, text, at)
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
  local found, n, mask, bit = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }, 2, 0, 1
  for j = 1, 8 do
    if list[j] > 0 then
      n, mask = n + 1, mask + bit
      found[n] = list[j]
    end
    bit = 2 * bit
  end
  found[1], found[2] = 16 * skip + kind, mask
  return pack(some_layout(kind, n - 2), unpack(found, 1, n))
end

-- Returns a block of eight counts, with a number below FAR or FAR in its first byte.
local function pack_block(kind, skip, list)
  if kind >= SPARSE then
    return pack_some(kind, skip, list)
  end
  local form, head, each, x = FORMS[kind], 16 * skip + kind, EACH[kind], BOUNDS[kind]
  local a, b, c, d, e, f, g, h = unpack(list, 1, 8)
  if each == 8 then
    return pack(form, head,
      a + x * (b + x * (c + x * (d + x * (e + x * (f + x * (g + x * h)))))))
  elseif each == 4 then
    return pack(form, head, a + x * (b + x * (c + x * d)), e + x * (f + x * (g + x * h)))
  elseif each == 2 then
    return pack(form, head, a + x * b, c + x * d, e + x * f, g + x * h)
  end
  return pack(form, head, a, b, c, d, e, f, g, h)
end

-- Returns how many of eight counts are not 0, and the kind of the shortest block with them.
local function kind_of(list)
  local n, largest, kind, some = 0, 0, 0, SPARSE
  for j = 1, 8 do
    local count = list[j]
    if count > 0 then n = n + 1 end
    if count > largest then largest = count end
  end
  while kind < SPARSE and largest >= BOUNDS[kind] do kind = kind + 1 end
  while largest >= BOUNDS[some] do some = some + 1 end
  if kind == SPARSE or 1 + n * SIZES[some] < SIZES[kind] then kind = some end
  return n, kind
end

-- Adds a list to the counts of a block; returns how many were 0 before, and the block's kind now.
-- As counts only grow, that is another one only where a count was 0 or grows over the bound.
local function add(list, more, kind)
  local fresh, bound, fits = 0, BOUNDS[kind], true
  for j = 1, 8 do
    local count = more[j]
    if count > 0 then
      local had = list[j]
      if had == 0 then fresh = fresh + 1 end
      if had + count >= bound then fits = false end
      list[j] = had + count
    end
  end
  if fresh > 0 or not fits then
    local _, other = kind_of(list)
    return fresh, other
  end
  return fresh, kind
end

-- Appends a block with so many counts that are new, that of zero among them or not.
local function put(out, index, kind, list, fresh, with_zero)
  local p, skip = out.p + 1, index - out.last - 1
  local block = pack_block(kind, skip < FAR and skip or FAR, list)
  if skip >= FAR then block = sub(block, 1, 1) .. pack('<H', skip) .. sub(block, 2) end
  out[p], out.p, out.last = block, p, index
  if index < MIDDLE then
    out.below = out.below + fresh
  else
    out.above = out.above + fresh - (with_zero and 1 or 0)
  end
end

local function put_new(out, index, list)
  local n, kind = kind_of(list)
  if n > 0 then put(out, index, kind, list, n, index == MIDDLE and list[1] > 0) end
end

local function put_sum(out, index, kind, list, more)
  local had_zero = list[1] > 0
  local fresh, now = add(list, more, kind)
  put(out, index, now, list, fresh, index == MIDDLE and not had_zero and list[1] > 0)
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
        put_new(out, want, lists[want])
        i, want = i + 1, order[i + 1]
      end
      if want == here then
        put_sum(out, here, kind, counts_at(kind, text, body), lists[here])
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
  for rest = i, #order do put_new(out, order[rest], lists[order[rest]]) end
  return concat(out), out.below, out.above
end

return M
