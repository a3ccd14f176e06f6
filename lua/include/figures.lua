-- figures: mean, variance and deviations of exact sums (see sums). Pure.
local M = {}

local SMALL, SCALE = 2 ^ -200, sums.SCALE
local compress = sums.compress
local two_sum, two_prod = exact.two_sum, exact.two_prod
local sqrt, max = math.sqrt, math.max

-- Returns doubles whose exact sum is n * s2 - s1 * s1, for expansions s1 and s2.
local function spread_terms(n, s1, s2)
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
  return terms
end

-- Appends a list scaled by 2^550, `times` times (2^1100 itself is no double), to out.
local function scaled(list, times, out)
  for i = 1, #list do
    out[#out + 1] = times == 2 and list[i] * SCALE * SCALE or list[i] * SCALE
  end
  return out
end

-- Returns the expansions of both sums, and the scale of the values in them: that of the tiny
-- squares where all values are small, else 1; then what is tiny is far below the last place.
local function expansions(m)
  local s1 = compress(m.rest1, m.a1, m.b1)
  local s2 = compress(m.rest2, m.a2, m.b2, m.c2)
  if m.tiny and #m.tiny > 0 and max(-m.min, m.max) < SMALL then
    return scaled(s1, 1, {}), exact.distill(scaled(s2, 2, { unpack(m.tiny) })), SCALE
  end
  return s1, s2, 1
end

-- Returns h, l, scale: h + l = n^2 * variance * scale^2 to 86 bits or better. The short way, in
-- double-double, does unless more than 16 bits cancel; then the exact way is taken.
local function spread(m)
  local n = m.n
  if not (m.tiny and #m.tiny > 0) then
    local p, q = two_prod(n, m.a2)
    local u, w = two_prod(m.a1, m.a1)
    local h, l = two_sum(p, -u)
    if h > p / 65536 then
      h, l = two_sum(h, l + ((q + n * m.b2) - (w + 2 * m.a1 * m.b1)))
      return h, l, 1
    end
  end
  local s1, s2, scale = expansions(m)
  local sum = exact.distill(spread_terms(n, s1, s2))
  return sum[1], sum[2] or 0, scale
end

-- Returns (h + l) / (dh + dl) as two doubles.
local function quotient(h, l, dh, dl)
  local q1 = h / dh
  local p, e = two_prod(q1, dh)
  local q2 = (((h - p) - e) + l - q1 * dl) / dh
  return two_sum(q1, q2)
end

-- Returns the square root of h + l >= 0 as two doubles: one step of Newton on the machine's own.
local function root(h, l)
  if h <= 0 then
    return 0, 0
  end
  local s = sqrt(h)
  local p, e = two_prod(s, s)
  return two_sum(s, (((h - p) - e) + l) / (2 * s))
end

-- Tells whether x + e lies so near the middle of two doubles that e's own error may decide.
local function near_tie(x, e)
  return x + 1.000001 * e ~= x
end

-- Appends the exact product of a double and an expansion to out.
local function times(x, list, out)
  for i = 1, #list do
    out[#out + 1], out[#out + 2] = two_prod(x, list[i])
  end
  return out
end

-- Returns the double nearest to the root (power 2) or the value (power 1) of terms / divisor,
-- of which x + e is a close estimate: compares exactly with the middle of x and its neighbour.
local function settle(x, e, terms, divisor, power)
  local other = x + 1.000001 * e
  local half = (other - x) / 2
  local product = divisor
  for _ = 1, power do
    product = exact.distill(times(half, product, times(x, product, {})))
  end
  local all = { unpack(terms) }
  for i = 1, #product do all[#all + 1] = -product[i] end
  local above = exact.distill(all)[1]
  if above == 0 then
    return x + half
  end
  return (above > 0) == (half > 0) and other or x
end

-- Returns variance and deviation, for n * d where d is what the squares are divided by.
local function second_moments(m, h, l, scale, d)
  local dh, dl = two_prod(m.n, d)
  local v, v_low = quotient(h, l, dh, dl)
  local r, r_low = root(v, v_low)
  if near_tie(v, v_low) or near_tie(r, r_low) then
    local s1, s2 = expansions(m)
    local terms, divisor = spread_terms(m.n, s1, s2), exact.distill({ dh, dl })
    if near_tie(v, v_low) then v = settle(v, v_low, terms, divisor, 1) end
    if near_tie(r, r_low) then r = settle(r, r_low, terms, divisor, 2) end
  end
  return v / scale / scale, r / scale
end

local function mean_of(m)
  local x, e = quotient(m.a1, m.b1, m.n, 0)
  if near_tie(x, e) then
    return settle(x, e, compress(m.rest1, m.a1, m.b1), { m.n }, 1)
  end
  return x
end

-- Returns the figures as numbers; stddev_sample is nil for a single value.
function M.of(m)
  local sum = exact.round(m.a1, m.b1, m.rest1 and m.rest1[1] or 0)
  local h, l, scale = spread(m)
  local variance, stddev = second_moments(m, h, l, scale, m.n)
  local _, sample
  if m.n > 1 then
    _, sample = second_moments(m, h, l, scale, m.n - 1)
  end
  return sum, mean_of(m), variance, stddev, sample
end

return M
