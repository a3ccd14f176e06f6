-- moments: count, mean, variance, deviation, min, max, sum and last of one sensor. Pure.
--
-- The sums of the values and of their squares are kept exactly, as expansions (see exact), so
-- every figure is that of exact arithmetic over all values, rounded once; order, batching and
-- merging leave no trace. Two doubles hold the first sum and three the second for values of
-- similar size; `rest` takes what does not fit. Squares of values below 2^-400 would fall under
-- the range of doubles: they are kept apart, scaled by 2^1100.
local M = { tag = string.byte('m') }

local SPLIT = 134217729
local TINY, SMALL, SCALE = 2 ^ -400, 2 ^ -200, 2 ^ 550
local TINY_SQUARE = TINY * TINY
local two_sum, two_prod = exact.two_sum, exact.two_prod
local struct_pack, struct_unpack = struct.pack, struct.unpack
local sqrt, max = math.sqrt, math.max

-- Returns the accumulators packed at `at` in a record, or those of a sensor without a record.
function M.begin(record, at)
  if not record then
    return { n = 0, min = math.huge, max = -math.huge, last = 0, a1 = 0, b1 = 0, a2 = 0, b2 = 0,
      c2 = 0 }
  end
  local k1, k2, k3, n, low, high, last, a1, b1, a2, b2, c2 =
    struct_unpack('<BBBddddddddd', record, at)
  local m = { n = n, min = low, max = high, last = last, a1 = a1, b1 = b1, a2 = a2, b2 = b2,
    c2 = c2, rest1 = nil, rest2 = nil, tiny = nil }
  if k1 + k2 + k3 > 0 then
    local all = { struct_unpack('<' .. ('d'):rep(k1 + k2 + k3), record, at + 75) }
    m.rest1, m.rest2 = { unpack(all, 1, k1) }, { unpack(all, k1 + 1, k1 + k2) }
    m.tiny = { unpack(all, k1 + k2 + 1, k1 + k2 + k3) }
  end
  return m
end

-- Adds x to the list in field `name`, where what the fixed doubles cannot hold is kept.
local function spill(m, name, x)
  local list = m[name] or {}
  m[name] = list
  list[#list + 1] = x
end

-- Keeps the square of a value too small for plain squaring.
local function step_tiny(m, v)
  local p, q = two_prod(v * SCALE, v * SCALE)
  spill(m, 'tiny', p)
  spill(m, 'tiny', q)
end

-- Adds the n values of one run. Each line group is a two_sum or two_prod written out: this loop
-- is what a reading costs.
function M.step(m, values, n)
  local a1, b1, a2, b2, c2 = m.a1, m.b1, m.a2, m.b2, m.c2
  local low, high = m.min, m.max
  for i = 1, n do
    local v = values[i]
    if v < low then low = v end
    if v > high then high = v end
    local s = a1 + v
    local z = s - a1
    local e = (a1 - (s - z)) + (v - z)
    a1 = s
    s = b1 + e
    z = s - b1
    e = (b1 - (s - z)) + (e - z)
    b1 = s
    if e ~= 0 then spill(m, 'rest1', e) end
    local p = v * v
    if p < TINY_SQUARE then
      if v ~= 0 then step_tiny(m, v) end
    else
      local t = SPLIT * v
      local vh = t - (t - v)
      local vl = v - vh
      local q = ((vh * vh - p) + 2 * vh * vl) + vl * vl
      s = a2 + p
      z = s - a2
      e = (a2 - (s - z)) + (p - z)
      a2 = s
      s = b2 + e
      z = s - b2
      e = (b2 - (s - z)) + (e - z)
      b2 = s
      s = b2 + q
      z = s - b2
      q = (b2 - (s - z)) + (q - z)
      b2 = s
      s = c2 + e
      z = s - c2
      e = (c2 - (s - z)) + (e - z)
      c2 = s
      if e ~= 0 then spill(m, 'rest2', e) end
      s = c2 + q
      z = s - c2
      q = (c2 - (s - z)) + (q - z)
      c2 = s
      if q ~= 0 then spill(m, 'rest2', q) end
    end
  end
  m.a1, m.b1, m.a2, m.b2, m.c2 = a1, b1, a2, b2, c2
  m.min, m.max, m.n, m.last = low, high, m.n + n, values[n]
end

-- Returns the expansion of the doubles given and of a list that may be nil.
local function compress(rest, a, b, c)
  local terms = { a, b, c }
  for i = 1, rest and #rest or 0 do
    terms[#terms + 1] = rest[i]
  end
  return exact.distill(terms)
end

-- Brings the sums into their canonical form: each double the rounded sum of itself and the rest.
local function normalise(m)
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

-- Packs what the fixed part has no room for.
local function pack_rest(m)
  local packed = ''
  for _, list in ipairs({ m.rest1 or {}, m.rest2 or {}, m.tiny or {} }) do
    for i = 1, #list do
      packed = packed .. struct_pack('<d', list[i])
    end
  end
  return packed
end

local function pack_state(m)
  local k1, k2, k3 = #(m.rest1 or ''), #(m.rest2 or ''), #(m.tiny or '')
  local packed = struct_pack('<BBBddddddddd', k1, k2, k3, m.n, m.min, m.max, m.last,
    m.a1, m.b1, m.a2, m.b2, m.c2)
  return k1 + k2 + k3 > 0 and packed .. pack_rest(m) or packed
end

-- Appends the figures to `fields` after f; returns the new f, and the packed state.
function M.finish(m, fields, f)
  normalise(m)
  local text, measured = number.shortest, number.shortest_measured
  fields[f + 1], fields[f + 2] = 'count', text(m.n)
  f = f + 2
  if m.n > 0 then
    local sum, mean, variance, stddev, sample = M.figures(m)
    fields[f + 1], fields[f + 2] = 'mean', text(mean)
    fields[f + 3], fields[f + 4] = 'variance', text(variance)
    fields[f + 5], fields[f + 6] = 'stddev', text(stddev)
    f = f + 6
    if sample then
      fields[f + 1], fields[f + 2] = 'stddev_sample', text(sample)
      f = f + 2
    end
    fields[f + 1], fields[f + 2] = 'min', measured(m.min)
    fields[f + 3], fields[f + 4] = 'max', measured(m.max)
    fields[f + 5], fields[f + 6] = 'sum', measured(sum)
    fields[f + 7], fields[f + 8] = 'last', measured(m.last)
    f = f + 8
  end
  return f, pack_state(m)
end

return M
