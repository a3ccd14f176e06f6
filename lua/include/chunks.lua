-- chunks: parts of a long list, each short enough for unpack, which takes a few thousand. Pure.

local M = {}

-- Returns an iterator over first and last index of each part of at most `size` items.
function M.of(list, size)
  local at = 1
  return function()
    if at > #list then
      return nil
    end
    local first = at
    at = at + size
    return first, math.min(first + size - 1, #list)
  end
end

return M
