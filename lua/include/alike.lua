-- alike: exact sums of many values of similar size, at half the cost of one by one. Pure.
--
-- Each value is cut into three pieces on grids that the largest value sets, v = a + b + c, by adding
-- and taking away a constant so large that the rest falls off. On a grid sums and products are
-- whole numbers of small units, so plain adding loses nothing while they stay under 2^53 units.
-- With the smallest value at least a sixteenth of the largest, |v| < 2^e:
--   a: at most 2^16 units of 2^(e-16);  b: 2^17 of 2^(e-34);  c: 2^22 of 2^(e-57), its last bit;
-- so the largest of the products, c * c, has 2^44 units, and 512 of them may be added.
local M = { LEAST = 16 } -- shorter runs are cheaper one by one

local CHUNK = 512
local frexp, max, min = math.frexp, math.max, math.min

-- Tells whether values between low and high may be cut so.
function M.can(low, high)
  local large, small = max(high, -low), max(low, -high)
  return small * 16 >= large and small > 2 ^ -300
end

-- Returns doubles whose exact sum is that of values[first..last], and doubles for their squares.
local function add_chunk(values, first, last, large)
  local _, e = frexp(large)
  local cut_a, cut_b = 1.5 * 2 ^ (e + 36), 1.5 * 2 ^ (e + 18)
  local sa, sb, sc, aa, ab, bb_ac, bc, cc = 0, 0, 0, 0, 0, 0, 0, 0
  for i = first, last do
    local v = values[i]
    local a = v + cut_a - cut_a
    local r = v - a
    local b = r + cut_b - cut_b
    local c = r - b
    sa = sa + a -- one at a time: an assignment of several costs a move for each
    sb = sb + b
    sc = sc + c
    aa = aa + a * a
    ab = ab + a * b
    bb_ac = bb_ac + (b * b + 2 * a * c)
    bc = bc + b * c
    cc = cc + c * c
  end
  return { sa, sb, sc }, { aa, 2 * ab, bb_ac, 2 * bc, cc }
end

-- Calls take(sums, squares) with the terms of each chunk of the n values between low and high.
function M.each_chunk(values, n, low, high, take)
  local large = max(high, -low)
  for first = 1, n, CHUNK do
    take(add_chunk(values, first, min(first + CHUNK - 1, n), large))
  end
end

return M
