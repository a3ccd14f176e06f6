-- buckets: quantile sketches (DDSketch, Masson, Rim and Lee, VLDB 2019), as packed texts. Pure.
--
-- Values are counted in buckets whose bounds grow by GAMMA. The code of a bucket (uint16) orders
-- as its values do; ZERO is that of zero. A sketch is its size in bytes, its buckets below and above
-- zero (uint16 each; a size of 0 stands alone), its counts as blocks, and a tail of codes not yet
-- counted, so that a reading costs an append. processor/sketch.py reads the same.
local M = { EMPTY = '\0\0' } -- '' is empty as well, where a sketch is only added to

local ZERO, LOWEST, TAIL = 32768, -21254, 128
local GAMMA = 1.01 / 0.99
local SCALE = 1 / math.log(GAMMA)
local STEP = 1 - LOWEST -- of a magnitude of 1
local HEAD = 6 -- bytes before the blocks, if there are any
local log, floor, rep, sub, byte = math.log, math.floor, string.rep, string.sub, string.byte
local pack, unpack_struct, sort = struct.pack, struct.unpack, table.sort
local CHUNK = 200 -- numbers that go through one call
local scratch = {}

-- Returns a text of n codes.
local function pack_codes(list, n)
  if n <= CHUNK then
    return pack('<' .. rep('H', n), unpack(list, 1, n))
  end
  local parts = {}
  for first = 1, n, CHUNK do
    local last = first + CHUNK - 1 < n and first + CHUNK - 1 or n
    parts[#parts + 1] = pack('<' .. rep('H', last - first + 1), unpack(list, first, last))
  end
  return table.concat(parts)
end

-- Returns the codes of n values, packed.
function M.codes(values, n)
  for i = 1, n do
    local v = values[i]
    if v > 0 then
      local x = log(v) * SCALE + STEP
      scratch[i] = x >= 1 and ZERO + (x - x % 1) or ZERO
    elseif v < 0 then
      local x = log(-v) * SCALE + STEP
      scratch[i] = x >= 1 and ZERO - (x - x % 1) or ZERO
    else
      scratch[i] = ZERO
    end
  end
  return pack_codes(scratch, n)
end

-- Returns the value in the middle of a bucket.
local function value_of(code)
  if code == ZERO then
    return 0
  end
  local middle = 2 * GAMMA ^ (math.abs(code - ZERO) + LOWEST) / (GAMMA + 1)
  return code > ZERO and middle or -middle
end

-- Returns where the tail of a sketch begins.
local function tail_of(packed)
  local low, high = byte(packed, 1, 2)
  local size = low + 256 * high
  return size == 0 and 3 or HEAD + size + 1
end

-- Counts the packed codes of a text from a place to another, each once, in a table of blocks.
local function count_in(counted, order, text, from, last)
  local n = #order
  while from < last do
    local until_at = from + 2 * CHUNK < last and from + 2 * CHUNK or last + 1
    local codes = { unpack_struct('<' .. rep('H', (until_at - from) / 2), text, from) }
    for i = 1, (until_at - from) / 2 do
      local code = codes[i]
      local place = code % 8
      local index = (code - place) / 8
      local counts = counted[index]
      if not counts then
        counts, n = { 0, 0, 0, 0, 0, 0, 0, 0 }, n + 1
        counted[index], order[n] = counts, index
      end
      counts[place + 1] = counts[place + 1] + 1
    end
    from = until_at
  end
  sort(order)
end

-- Makes one bucket of those on one side of zero that come after `most`, from the outermost on.
local function collapse(counted, order, most, first, last, step)
  local n, outer, inner = 0, step > 0 and 1 or 8, step > 0 and 8 or 1
  local into, at
  for i = first, last, step do
    local counts = counted[order[i]]
    for j = outer, inner, step do
      if counts[j] > 0 and 8 * order[i] + j - 1 ~= ZERO then
        n = n + 1
        if n <= most then
          into, at = counts, j
        else
          into[at], counts[j] = into[at] + counts[j], 0
        end
      end
    end
  end
end

-- Returns blocks of which at most `most` buckets are left on each side of zero.
local function bounded(text, most)
  local counted, order = {}, {}
  blocks.read(text, 1, #text, counted, order)
  local n, middle = #order, 1
  while middle <= n and 8 * order[middle] < ZERO do middle = middle + 1 end
  collapse(counted, order, most, 1, middle - 1, 1)
  collapse(counted, order, most, n, middle, -1)
  return blocks.added('', 1, 0, counted, order)
end

-- Returns a sketch without its tail, with what was counted besides.
local function with(packed, tail_at, counted, order, most)
  local below, above = 0, 0
  if tail_at > HEAD then below, above = unpack_struct('<HH', packed, 3) end
  local text, more_below, more_above = blocks.added(packed, HEAD + 1, tail_at - 1, counted, order)
  below, above = below + more_below, above + more_above
  if below > most or above > most then
    text, below, above = bounded(text, most)
  end
  return pack('<HHH', #text, below, above) .. text
end

-- Appends packed codes to a sketch. Whenever the tail is full it is counted, at the same reading
-- however they come in parts, so that the same readings leave the same text.
function M.append(packed, codes, most)
  if packed == '' then packed = M.EMPTY end
  local tail_at = tail_of(packed)
  local size = #packed - tail_at + 1 + #codes
  if size < 2 * TAIL then
    return packed .. codes
  end
  local tail, counted, order = sub(packed, tail_at) .. codes, {}, {}
  local full = size - size % (2 * TAIL)
  count_in(counted, order, tail, 1, full)
  return with(packed, tail_at, counted, order, most) .. sub(tail, full + 1)
end

-- Returns all counts of a sketch by block, and the blocks in ascending order.
local function all_of(packed)
  local counted, order, tail_at = {}, {}, tail_of(packed)
  blocks.read(packed, HEAD + 1, tail_at - 1, counted, order)
  count_in(counted, order, packed, tail_at, #packed)
  return counted, order
end

-- Returns two sketches as one.
function M.merge(a, b, most)
  local tail_at = tail_of(b)
  if tail_at < HEAD then
    return M.append(a, sub(b, tail_at), most)
  end
  if a == '' then a = M.EMPTY end
  local counted, order = all_of(b)
  tail_at = tail_of(a)
  count_in(counted, order, a, tail_at, #a)
  return with(a, tail_at, counted, order, most)
end

-- Returns for each q of a list, ascending, the value of rank floor(q * (n - 1)) of n, within 1%
-- and within low and high; nothing where the sketch has not counted n values.
function M.quantiles(packed, qs, n, low, high)
  local counted, order = all_of(packed)
  local found, whole, seen, at = {}, 0, 0, 1
  for _, index in ipairs(order) do
    for j = 1, 8 do whole = whole + counted[index][j] end
  end
  if whole ~= n then
    return found
  end
  for _, index in ipairs(order) do
    for j = 1, 8 do
      seen = seen + counted[index][j]
      while at <= #qs and seen > floor(qs[at] * (n - 1)) do
        local v = value_of(8 * index + j - 1)
        found[at], at = v < low and low or v > high and high or v, at + 1
      end
    end
  end
  return found
end

return M
