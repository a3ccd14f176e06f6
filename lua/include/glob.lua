-- glob: whether a name fits a pattern of `*` (any text) and `?` (one character). Pure.
local M = {}

local find, sub, gsub = string.find, string.sub, string.gsub

-- Returns the pattern to be matched against names: its parts between the stars. Each part is
-- looked for once, from left to right, so that no pattern takes long, whatever a name is.
function M.compile(text)
  local parts = {}
  for part in string.gmatch(text .. '*', '([^*]*)%*') do
    parts[#parts + 1] = { #part, (gsub(gsub(part, '[^%w?]', '%%%0'), '?', '.')) }
  end
  return parts
end

-- Tells whether a name fits.
function M.fits(parts, name)
  local first, last = parts[1], parts[#parts]
  if not find(name, '^' .. first[2]) then
    return false
  elseif #parts == 1 then
    return #name == first[1]
  end
  local at = first[1] + 1
  for i = 2, #parts - 1 do
    local _, to = find(name, parts[i][2], at)
    if not to then return false end
    at = to + 1
  end
  return #name - last[1] + 1 >= at and find(sub(name, #name - last[1] + 1), '^' .. last[2]) ~= nil
end

return M
