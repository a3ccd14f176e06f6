-- number: doubles to text and back. Pure.
local M = {}

local format, find, byte = string.format, string.find, string.byte

-- What matches this is no decimal number.
M.NOT_DECIMAL = '[^%d.eE+-]'

-- Returns the value of decimal text, or nil: an optional sign, digits with an optional fraction
-- and exponent. Lua's tonumber alone would also take hexadecimal, blanks, "nan" and "inf".
function M.parse(text)
  if find(text, M.NOT_DECIMAL) then
    return nil
  end
  return tonumber(text)
end

-- Returns an integer of at most 15 digits and a sign, or nil.
function M.parse_integer(text)
  if #text > 16 or not find(text, '^%-?%d+$') then
    return nil
  end
  return tonumber(text)
end

-- Subnormal doubles have fewer digits than the rest: look upwards from one digit.
local function shortest_subnormal(x)
  for digits = 1, 17 do
    local text = format('%.' .. digits .. 'g', x)
    if text + 0 == x then
      return text
    end
  end
end

-- Tells whether a text of 16 digits may have a neighbour of 15 that reads back as the same double.
-- Such a neighbour lies within a unit of the last place of a double, 2.2 units of the 16th digit,
-- so that digit is 8, 9, 1 or 2 (a 0 is not printed). With an exponent it is not looked for.
local function may_shorten(text)
  local last = byte(text, -1)
  return last >= 56 or last <= 50 or byte(text, -4) == 101
end

-- Returns the shortest text that reads back as the same double. Most doubles a computation ends
-- in need 16 or 17 digits, so 16 is tried first; 15 can only do where 16 did.
function M.shortest(x)
  if x % 1 == 0 and x < 1e15 and x > -1e15 then
    return x == 0 and '0' or format('%d', x)
  end
  if x < 3e-308 and x > -3e-308 then
    return shortest_subnormal(x)
  end
  local text = format('%.16g', x)
  if text + 0 ~= x then
    return format('%.17g', x)
  end
  if #text > 16 and may_shorten(text) then
    local shorter = format('%.15g', x)
    if shorter + 0 == x then
      return shorter
    end
  end
  return text
end

-- The same for a double that was measured, and so is most likely short.
function M.shortest_measured(x)
  if x < 1e15 and x > -1e15 and (x >= 3e-308 or x <= -3e-308) then
    local text = format('%.15g', x)
    if text + 0 == x then
      return text
    end
  end
  return M.shortest(x)
end

return M
