-- exact: error-free arithmetic on doubles. Pure.
--
-- A number of any length is an "expansion": a list of doubles, largest first, whose unrounded sum
-- it is. Sources: two_sum is Knuth's (TAOCP 2, 4.2.2), two_prod is Dekker's (Numer. Math. 18,
-- 1971), growing and compressing expansions is Shewchuk's (Discrete Comput. Geom. 18, 1997).
-- None of them loses a bit as long as nothing overflows and no product falls below 2^-1022.
local M = {}

local SPLIT = 134217729 -- 2^27 + 1 cuts a 53-bit significand into two halves

-- Returns s, e with s = fl(a + b) and s + e = a + b exactly.
local function two_sum(a, b)
  local s = a + b
  local z = s - a
  return s, (a - (s - z)) + (b - z)
end
M.two_sum = two_sum

-- Returns p, e with p = fl(a * b) and p + e = a * b exactly.
local function two_prod(a, b)
  local p = a * b
  local t = SPLIT * a
  local ah = t - (t - a)
  local al = a - ah
  t = SPLIT * b
  local bh = t - (t - b)
  local bl = b - bh
  return p, ((ah * bh - p) + ah * bl + al * bh) + al * bl
end
M.two_prod = two_prod

-- Returns the expansion, largest first, of the exact sum of the doubles in `terms`.
function M.distill(terms)
  local partials, n = {}, 0
  for t = 1, #terms do
    local x, kept = terms[t], 0
    for i = 1, n do
      local s, e = two_sum(x, partials[i])
      if e ~= 0 then
        kept = kept + 1
        partials[kept] = e
      end
      x = s
    end
    n = kept + 1
    partials[n] = x
  end
  local out, x = {}, partials[n] or 0
  for i = n - 1, 1, -1 do
    local s, e = two_sum(x, partials[i])
    if e ~= 0 then
      out[#out + 1] = s
      x = e
    else
      x = s
    end
  end
  if x ~= 0 or #out == 0 then
    out[#out + 1] = x
  end
  return out
end

-- Returns the double nearest to the expansion a + b + c, ties to even: where b is just half a
-- unit in the last place of a, the sign of c decides.
function M.round(a, b, c)
  if c ~= 0 and (b < 0) == (c < 0) then
    local twice = 2 * b
    local up = a + twice
    if up - a == twice then
      return up
    end
  end
  return a
end

return M
