-- sums: mean, variance and deviations of the exact sums that the reducer moments keeps. Pure.
--
-- m holds n, min, max, the expansion of the sum of values (a1, b1, rest1), that of the squares
-- (a2, b2, c2, rest2), and in `tiny` the squares of values below 2^-400, scaled by 2^1100.
local M = { SCALE = 2 ^ 550 }

local SMALL, SCALE = 2 ^ -200, M.SCALE
local two_sum, two_prod = exact.two_sum, exact.two_prod
local sqrt, max = math.sqrt, math.max

-- Returns the expansion of the doubles given and of a list that may be nil.
local function compress(rest, a, b, c)
  local terms = { a, b, c }
  for i = 1, rest and #rest or 0 do
    terms[#terms + 1] = rest[i]
  end
  return exact.distill(terms)
end

-- Brings the sums into their canonical form: each double the rounded sum of itself and the rest.
function M.normalise(m)
  if m.rest1 then
    local sum = compress(m.rest1, m.a1, m.b1)
    m.a1, m.b1, m.rest1 = sum[1], sum[2] or 0, { unpack(sum, 3) }
  else
    m.a1, m.b1 = two_sum(m.a1, m.b1)
  end
  if m.rest2 then
    local sum = compress(m.rest2, m.a2, m.b2, m.c2)
    m.a2, m.b2, m.c2, m.rest2 = sum[1], sum[2] or 0, sum[3] or 0, { unpack(sum, 4) }
  else
    m.b2, m.c2 = two_sum(m.b2, m.c2)
    m.a2, m.b2 = two_sum(m.a2, m.b2)
    m.b2, m.c2 = two_sum(m.b2, m.c2)
  end
  if m.tiny then
    m.tiny = compress(m.tiny)
  end
end

-- Returns n * s2 - s1 * s1, exactly, as its two leading doubles, for expansions s1 and s2.
local function spread_exact(n, s1, s2)
  local terms = {}
  for i = 1, #s2 do
    terms[#terms + 1], terms[#terms + 2] = two_prod(n, s2[i])
  end
  for i = 1, #s1 do
    for j = i, #s1 do
      local factor = i == j and -1 or -2
      terms[#terms + 1], terms[#terms + 2] = two_prod(factor * s1[i], s1[j])
    end
  end
  local sum = exact.distill(terms)
  return sum[1], sum[2] or 0
end

-- Appends a list scaled by 2^550, `times` times (2^1100 itself is no double), to out.
local function scaled(list, times, out)
  for i = 1, #list do
    out[#out + 1] = times == 2 and list[i] * SCALE * SCALE or list[i] * SCALE
  end
  return out
end

-- Returns h, l, scale: h + l = n^2 * variance * scale^2 to 86 bits or better. The short way, in
-- double-double, does unless more than 16 bits cancel; then the exact way is taken.
local function spread(m)
  local n = m.n
  if m.tiny and #m.tiny > 0 and max(-m.min, m.max) < SMALL then
    local s1 = compress(m.rest1, m.a1, m.b1)
    local s2 = compress(m.rest2, m.a2, m.b2, m.c2)
    local h, l = spread_exact(n, scaled(s1, 1, {}), exact.distill(scaled(s2, 2, { unpack(m.tiny) })))
    return h, l, SCALE
  end
  local p, q = two_prod(n, m.a2)
  local u, w = two_prod(m.a1, m.a1)
  local h, l = two_sum(p, -u)
  if h > p / 65536 then
    h, l = two_sum(h, l + ((q + n * m.b2) - (w + 2 * m.a1 * m.b1)))
    return h, l, 1
  end
  h, l = spread_exact(n, compress(m.rest1, m.a1, m.b1), compress(m.rest2, m.a2, m.b2, m.c2))
  return h, l, 1
end

-- Returns (h + l) / (dh + dl) as two doubles.
local function quotient(h, l, dh, dl)
  local q1 = h / dh
  local p, e = two_prod(q1, dh)
  local q2 = (((h - p) - e) + l - q1 * dl) / dh
  return two_sum(q1, q2)
end

-- Returns the square root of h + l >= 0 as a double: one step of Newton on the machine's own.
local function root(h, l)
  if h <= 0 then
    return 0
  end
  local s = sqrt(h)
  local p, e = two_prod(s, s)
  return s + (((h - p) - e) + l) / (2 * s)
end

-- Returns the figures of the accumulators as numbers; stddev_sample is nil for a single value.
function M.figures(m)
  local n, low = m.n, m.rest1 and m.rest1[1] or 0
  local sum = exact.round(m.a1, m.b1, low)
  local mean = exact.divide(m.a1, m.b1, low, n)
  local h, l, scale = spread(m)
  local vh, vl = quotient(h, l, two_prod(n, n))
  local sample
  if n > 1 then
    sample = root(quotient(h, l, two_prod(n, n - 1))) / scale
  end
  return sum, mean, vh / scale / scale, root(vh, vl) / scale, sample
end

return M
