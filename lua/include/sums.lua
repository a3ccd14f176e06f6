-- sums: the exact sums that the reducer moments keeps: adding them up, and their canonical form. Pure.
--
-- m holds n, min, max, the expansion of the sum of values (a1, b1, rest1), that of the squares
-- (a2, b2, c2, rest2), and in `tiny` the squares of values below 2^-400, scaled by 2^1100.
local M = { SCALE = 2 ^ 550 }

-- Returns the expansion of the doubles given and of a list that may be nil.
local function compress(rest, a, b, c)
  local terms = { a, b, c }
  for i = 1, rest and #rest or 0 do
    terms[#terms + 1] = rest[i]
  end
  return exact.distill(terms)
end
M.compress = compress

-- Returns a list of the doubles given, and of another list that may be nil.
local function with(list, ...)
  local all = { ... }
  for i = 1, list and #list or 0 do all[#all + 1] = list[i] end
  return all
end

local NONE = {}

-- Adds the sum of squares of d to that of m.
local function add_squares(m, d)
  local a, b, c, e = m.a2, m.b2, m.c2, d.a2
  local s = a + e
  local z = s - a
  local x = (a - (s - z)) + (e - z)
  m.a2 = s
  s = b + x
  z = s - b
  x = (b - (s - z)) + (x - z)
  b = s
  s = c + x
  z = s - c
  x = (c - (s - z)) + (x - z)
  c, e = s, d.b2
  s = b + e
  z = s - b
  local y = (b - (s - z)) + (e - z)
  m.b2 = s
  s = c + y
  z = s - c
  y = (c - (s - z)) + (y - z)
  c, e = s, d.c2
  s = c + e
  z = s - c
  z = (c - (s - z)) + (e - z)
  m.c2 = s
  if x ~= 0 or y ~= 0 or z ~= 0 or d.rest2 then
    m.rest2 = with(m.rest2, x, y, z, unpack(d.rest2 or NONE))
  end
end

-- Adds the sums of d, of values that come after those of m, to those of m, without loss. Each line
-- group is a two_sum written out: with windows this runs twice a run.
function M.add(m, d)
  local a, b, c = m.a1, m.b1, d.a1
  local s = a + c
  local z = s - a
  local x = (a - (s - z)) + (c - z)
  m.a1 = s
  s = b + x
  z = s - b
  local y = (b - (s - z)) + (x - z)
  b, c = s, d.b1
  s = b + c
  z = s - b
  z = (b - (s - z)) + (c - z)
  m.b1 = s
  if y ~= 0 or z ~= 0 or d.rest1 then m.rest1 = with(m.rest1, y, z, unpack(d.rest1 or NONE)) end
  add_squares(m, d)
  if d.tiny then m.tiny = with(m.tiny, unpack(d.tiny)) end
  if d.min < m.min then m.min = d.min end
  if d.max > m.max then m.max = d.max end
  m.n, m.last = m.n + d.n, d.last
end

-- Brings the sums into their canonical form: each double the rounded sum of itself and the rest.
function M.normalise(m)
  if m.rest1 then
    local sum = compress(m.rest1, m.a1, m.b1)
    m.a1, m.b1, m.rest1 = sum[1], sum[2] or 0, { unpack(sum, 3) }
  else
    local a, b = m.a1, m.b1
    local s = a + b
    local z = s - a
    m.a1, m.b1 = s, (a - (s - z)) + (b - z)
  end
  if m.rest2 then
    local sum = compress(m.rest2, m.a2, m.b2, m.c2)
    m.a2, m.b2, m.c2, m.rest2 = sum[1], sum[2] or 0, sum[3] or 0, { unpack(sum, 4) }
  else
    local a, b, c = m.a2, m.b2, m.c2
    local s = b + c
    local z = s - b
    c = (b - (s - z)) + (c - z)
    b = s
    s = a + b
    z = s - a
    b = (a - (s - z)) + (b - z)
    m.a2 = s
    s = b + c
    z = s - b
    m.b2, m.c2 = s, (b - (s - z)) + (c - z)
  end
  if m.tiny then
    m.tiny = compress(m.tiny)
  end
end

return M
