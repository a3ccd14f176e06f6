-- number: doubles to text and back. Pure.
local M = {}

local format, floor, find = string.format, math.floor, string.find

-- Returns the value of decimal text, or nil: an optional sign, digits with an optional fraction
-- and exponent. Lua's tonumber alone would also take hexadecimal, blanks, "nan" and "inf".
function M.parse(text)
  if find(text, '[^%d.eE+-]') then
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

-- Returns the shortest text that reads back as the same double. Most doubles a computation ends
-- in need 16 or 17 digits, so 16 is tried first; 15 can only do where 16 did.
function M.shortest(x)
  if x == floor(x) and x < 1e15 and x > -1e15 then
    return format('%.0f', x)
  end
  if x < 3e-308 and x > -3e-308 then
    return shortest_subnormal(x)
  end
  local text = format('%.16g', x)
  if text + 0 ~= x then
    return format('%.17g', x)
  end
  if #text > 16 then
    local shorter = format('%.15g', x)
    if shorter + 0 == x then
      return shorter
    end
  end
  return text
end

-- The same for a double that was measured, and so is most likely short.
function M.shortest_measured(x)
  local text = format('%.15g', x)
  if text + 0 == x and (x == 0 or x >= 3e-308 or x <= -3e-308) and x < 1e15 and x > -1e15 then
    return text
  end
  return M.shortest(x)
end

return M
