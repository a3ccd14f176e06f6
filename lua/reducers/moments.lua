-- moments: count, mean, variance, deviation, min, max, sum and last of one sensor. Pure.
--
-- The sums of the values and of their squares are kept exactly, as expansions (see exact), so
-- every figure is that of exact arithmetic over all values, rounded once; order, batching and
-- merging leave no trace. Two doubles hold the first sum and three the second for values of
-- similar size; `rest` takes what does not fit. Squares of values below 2^-400 would fall under
-- the range of doubles: they are kept apart, scaled by 2^1100.
local M = { tag = string.byte('m'), share = false } -- share: windows want what a run adds

local SPLIT = 134217729
local HEAL_EVERY = 64
local floor = math.floor
local TINY_SQUARE = 2 ^ -800
local SCALE = sums.SCALE
local two_sum, two_prod = exact.two_sum, exact.two_prod
local FIRST, SECOND = { 'a1', 'b1', 'rest1' }, { 'a2', 'b2', 'c2', 'rest2' }
local struct_pack, struct_unpack = struct.pack, struct.unpack

-- Returns the accumulators packed at `at` in a record, or those of a sensor without a record.
function M.begin(record, at)
  if not record then
    return { n = 0, min = math.huge, max = -math.huge, last = 0, a1 = 0, b1 = 0, a2 = 0, b2 = 0,
      c2 = 0, before = { n = 0 } }
  end
  local k1, k2, k3, n, low, high, last, a1, b1, a2, b2, c2 =
    struct_unpack('<BBBddddddddd', record, at)
  local m = { n = n, min = low, max = high, last = last, a1 = a1, b1 = b1, a2 = a2, b2 = b2,
    c2 = c2, rest1 = nil, rest2 = nil, tiny = nil, before = { n = n, min = low, max = high } }
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

-- Adds n values one by one. Each line group is a two_sum or two_prod written out: this loop is what
-- a reading costs.
local function step_each(m, values, n)
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

-- Adds terms to the expansion in the fields `names`, the last of them the list for the rest.
local function add_terms(m, names, terms)
  for t = 1, #terms do
    local x = terms[t]
    for k = 1, #names - 1 do
      m[names[k]], x = two_sum(m[names[k]], x)
    end
    if x ~= 0 then spill(m, names[#names], x) end
  end
end

-- Returns the least and the largest of the first n values.
local function range_of(values, n)
  local low, high = values[1], values[1]
  for i = 2, n do
    local v = values[i]
    if v < low then low = v elseif v > high then high = v end
  end
  return low, high
end

-- Adds n values.
function M.add(m, values, n)
  if n >= alike.LEAST then
    local low, high = range_of(values, n)
    if alike.can(low, high) then
      if low < m.min then m.min = low end
      if high > m.max then m.max = high end
      m.n, m.last = m.n + n, values[n]
      return alike.each_chunk(values, n, low, high, function(sums_of, squares)
        add_terms(m, FIRST, sums_of)
        add_terms(m, SECOND, squares)
      end)
    end
  end
  return step_each(m, values, n)
end

local delta = M.begin()

-- Adds the n values of one run; where windows share them, on their own first, so that a reading is
-- added up once. For one or two that would not pay.
function M.step(m, values, n, run)
  if M.share and n > 2 then
    local d = delta -- one table for all runs: it is used up before the next
    d.n, d.min, d.max, d.a1, d.b1, d.a2, d.b2, d.c2 = 0, math.huge, -math.huge, 0, 0, 0, 0, 0
    d.rest1, d.rest2, d.tiny, run.delta = nil, nil, nil, d
    M.add(d, values, n)
    sums.add(m, d)
  else
    M.add(m, values, n)
  end
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

-- Returns the packed state, with its sums in their canonical form.
function M.pack(m)
  sums.normalise(m)
  return pack_state(m)
end

-- Appends the figures that each reading changes to `fields` after f; returns the new f, and the
-- packed state.
function M.finish(m, fields, f)
  sums.normalise(m)
  local text = number.shortest
  fields[f + 1], fields[f + 2] = 'count', text(m.n)
  f = f + 2
  if m.n > 0 then
    local sum, mean, variance, stddev, sample = figures.of(m)
    fields[f + 1], fields[f + 2] = 'mean', text(mean)
    fields[f + 3], fields[f + 4] = 'variance', text(variance)
    fields[f + 5], fields[f + 6] = 'stddev', text(stddev)
    f = f + 6
    if sample then
      fields[f + 1], fields[f + 2] = 'stddev_sample', text(sample)
      f = f + 2
    end
    fields[f + 1], fields[f + 2] = 'sum', number.shortest_measured(sum)
    fields[f + 3], fields[f + 4] = 'last', number.shortest_measured(m.last)
    f = f + 4
  end
  return f, pack_state(m)
end

-- Appends the figures that most readings leave as they are; returns the new f, and whether they need
-- writing: when one has changed, and every 64 readings, so that a copy that came to harm heals.
function M.finish_steady(m, fields, f)
  if m.n == 0 then
    return f, false
  end
  fields[f + 1], fields[f + 2] = 'min', number.shortest_measured(m.min)
  fields[f + 3], fields[f + 4] = 'max', number.shortest_measured(m.max)
  local before = m.before
  local due = floor(m.n / HEAL_EVERY) > floor(before.n / HEAL_EVERY)
  return f + 4, due or m.min ~= before.min or m.max ~= before.max
end

return M
