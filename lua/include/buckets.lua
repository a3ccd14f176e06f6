-- buckets: quantile sketches (DDSketch, Masson, Rim and Lee, VLDB 2019), as packed texts. Pure.
--
-- Values are counted in buckets whose bounds grow by GAMMA. The code of a bucket (uint16) orders
-- as its values do; ZERO is that of zero. A sketch is its sparse buckets (widths, how many, the
-- first code, the steps to the next, the counts) and a tail of codes not yet counted, so that a
-- reading costs an append. processor/sketch.py reads the same.
local M = { EMPTY = '\17\0\0' } -- '' is empty as well, where a sketch is only added to

local ZERO, LOWEST, TAIL = 32768, -21254, 128
local GAMMA = 1.01 / 0.99
local SCALE = 1 / math.log(GAMMA)
local STEP = 1 - LOWEST -- of a magnitude of 1
local COUNTS = { [1] = 'B', [2] = 'H', [4] = 'I4', [8] = 'd' }
local log, floor, rep, sub = math.log, math.floor, string.rep, string.sub
local pack, unpack_struct, sort = struct.pack, struct.unpack, table.sort
local CHUNK = 200 -- numbers that go through one call
local scratch = {}

-- Returns a text of these numbers, each in one format.
local function pack_all(form, list, n)
  if n <= CHUNK then
    return pack('<' .. rep(form, n), unpack(list, 1, n))
  end
  local parts = {}
  for first = 1, n, CHUNK do
    local last = first + CHUNK - 1 < n and first + CHUNK - 1 or n
    parts[#parts + 1] = pack('<' .. rep(form, last - first + 1), unpack(list, first, last))
  end
  return table.concat(parts)
end

-- Returns a list of n numbers of one format, each of `size` bytes, from a place in a text.
local function unpack_all(form, size, text, at, n)
  if n <= CHUNK then
    local list = { unpack_struct('<' .. rep(form, n), text, at) }
    list[n + 1] = nil -- where the next would be
    return list
  end
  local list = {}
  for first = 0, n - 1, CHUNK do
    local k = n - first < CHUNK and n - first or CHUNK
    local part = { unpack_struct('<' .. rep(form, k), text, at + first * size) }
    for i = 1, k do list[first + i] = part[i] end
  end
  return list
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
  return pack_all('H', scratch, n)
end

-- Returns the value in the middle of a bucket.
local function value_of(code)
  if code == ZERO then
    return 0
  end
  local middle = 2 * GAMMA ^ (math.abs(code - ZERO) + LOWEST) / (GAMMA + 1)
  return code > ZERO and middle or -middle
end

-- Returns widths, how many buckets, and where the tail begins.
local function shape(packed)
  local widths, n = unpack_struct('<BH', packed)
  if n == 0 then
    return widths, 0, 4
  end
  return widths, n, 6 + (n - 1) * floor(widths / 16) + n * (widths % 16)
end

-- Returns the codes of a sketch, ascending, their counts by code, and where its tail begins.
local function buckets_of(packed)
  local widths, n, tail_at = shape(packed)
  if n == 0 then
    return {}, {}, tail_at
  end
  local step, width = floor(widths / 16), widths % 16
  local codes = unpack_all(step == 1 and 'B' or 'H', step, packed, 6, n - 1)
  local found = unpack_all(COUNTS[width], width, packed, 6 + (n - 1) * step, n)
  local code, counts = unpack_struct('<H', packed, 4), {}
  for i = 1, n do
    local gap = codes[i]
    codes[i], counts[code] = code, found[i]
    code = code + (gap or 0)
  end
  return codes, counts, tail_at
end

-- Returns two ascending lists as one.
local function merged(a, b)
  local out, i, j, n = {}, 1, 1, #b
  local next_b = b[1]
  for k = 1, #a + n do
    local next_a = a[i]
    if next_a and (not next_b or next_a < next_b) then
      out[k], i = next_a, i + 1
    else
      out[k], j = next_b, j + 1
      next_b = b[j]
    end
  end
  return out
end

-- Counts codes, given with their counts or (nil) once each; returns the ascending list of all.
local function count_in(codes, counts, more, their)
  local fresh, f = {}, 0
  for i = 1, #more do
    local code = more[i]
    local had = counts[code]
    if not had then
      f = f + 1
      fresh[f], had = code, 0
    end
    counts[code] = had + (their and their[code] or 1)
  end
  if f == 0 then
    return codes
  end
  sort(fresh)
  return #codes == 0 and fresh or merged(codes, fresh)
end

-- Leaves at most `most` buckets on each side of zero: the smallest magnitudes become one.
local function collapse(codes, counts, most)
  local n, zero_at = #codes, 1
  while zero_at <= n and codes[zero_at] < ZERO do zero_at = zero_at + 1 end
  local above = codes[zero_at] == ZERO and zero_at + 1 or zero_at
  if zero_at - 1 <= most and n - above + 1 <= most then
    return codes
  end
  local kept = {}
  for i = 1, n do
    local into = i
    if i < zero_at and i > most then into = most end
    if i >= above and i <= n - most then into = n - most + 1 end
    if into == i then
      kept[#kept + 1] = codes[i]
    else
      counts[codes[into]] = counts[codes[into]] + counts[codes[i]]
    end
  end
  return kept
end

-- Returns a sketch of these buckets, without a tail.
local function encode(codes, counts, most)
  local n = #codes
  if n > most then
    codes = collapse(codes, counts, most)
    n = #codes
  end
  local gaps, found, widest, largest, before = {}, {}, 0, 0, codes[1]
  for i = 1, n do
    local code = codes[i]
    local count, gap = counts[code], code - before
    found[i], gaps[i - 1], before = count, gap, code
    if gap > widest then widest = gap end
    if count > largest then largest = count end
  end
  local step = widest < 256 and 1 or 2
  local width = largest < 256 and 1 or largest < 65536 and 2 or largest < 4294967296 and 4 or 8
  return pack('<BHH', step * 16 + width, n, codes[1])
    .. pack_all(step == 1 and 'B' or 'H', gaps, n - 1) .. pack_all(COUNTS[width], found, n)
end

-- Appends packed codes to a sketch. Whenever the tail is full it is counted, at the same reading
-- however they come in parts, so that the same readings leave the same text.
function M.append(packed, codes, most)
  if packed == '' then packed = M.EMPTY end
  local _, _, tail_at = shape(packed)
  local size = #packed - tail_at + 1 + #codes
  if size < 2 * TAIL then
    return packed .. codes
  end
  local list, counts = buckets_of(packed)
  local tail = sub(packed, tail_at) .. codes
  local full = size - size % (2 * TAIL)
  list = count_in(list, counts, unpack_all('H', 2, tail, 1, full / 2))
  return encode(list, counts, most) .. sub(tail, full + 1)
end

-- Returns all codes of a sketch, ascending, and their counts by code.
local function all_of(packed)
  local codes, counts, tail_at = buckets_of(packed)
  local tail = unpack_all('H', 2, packed, tail_at, (#packed - tail_at + 1) / 2)
  return count_in(codes, counts, tail), counts
end

-- Returns two sketches as one.
function M.merge(a, b, most)
  local _, n, tail_at = shape(b)
  if n == 0 then
    return M.append(a, sub(b, tail_at), most)
  end
  local codes, counts = all_of(a == '' and M.EMPTY or a)
  codes = count_in(codes, counts, all_of(b))
  return encode(codes, counts, most)
end

-- Returns for each q of a list, ascending, the value of rank floor(q * (n - 1)) of n, within 1%
-- and within low and high; nothing where the sketch has not counted n values.
function M.quantiles(packed, qs, n, low, high)
  local codes, counts = all_of(packed)
  local found, whole, seen, at = {}, 0, 0, 1
  for i = 1, #codes do whole = whole + counts[codes[i]] end
  if whole ~= n then
    return found
  end
  for i = 1, #codes do
    seen = seen + counts[codes[i]]
    while at <= #qs and seen > floor(qs[at] * (n - 1)) do
      local v = value_of(codes[i])
      found[at], at = v < low and low or v > high and high or v, at + 1
    end
  end
  return found
end

return M
