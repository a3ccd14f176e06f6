-- spans: sets of moments, as sorted lists { from, to, from, to, ... } of all that is after `from` and
-- not after `to`. Pure.
local M = { ALL = { -math.huge, math.huge }, NONE = {} }

-- Returns what is in both.
function M.both(a, b)
  local out, i, j = {}, 1, 1
  while a[i] and b[j] do
    local from, to = math.max(a[i], b[j]), math.min(a[i + 1], b[j + 1])
    if from < to then out[#out + 1], out[#out + 2] = from, to end
    if a[i + 1] < b[j + 1] then i = i + 2 else j = j + 2 end
  end
  return out
end

-- Returns what is not in it.
function M.outside(list)
  local out, from = {}, -math.huge
  for i = 1, #list, 2 do
    if from < list[i] then out[#out + 1], out[#out + 2] = from, list[i] end
    from = list[i + 1]
  end
  if from < math.huge then out[#out + 1], out[#out + 2] = from, math.huge end
  return out
end

-- Returns what is in the first and not in the second.
function M.without(a, b)
  return M.both(a, M.outside(b))
end

-- Returns what is in one or in both.
function M.either(a, b)
  return M.outside(M.without(M.outside(a), b))
end

-- Returns the sum of their lengths.
function M.length(list)
  local sum = 0
  for i = 1, #list, 2 do sum = sum + list[i + 1] - list[i] end
  return sum
end

-- Returns a list of no more than so many spans: the oldest ones as one.
function M.fewer(list, most)
  if #list <= 2 * most then
    return list
  end
  return { list[1], unpack(list, #list - 2 * most + 2) }
end

-- Returns the bytes of a list, 16 for each span.
function M.pack(list)
  return struct.pack('<' .. ('d'):rep(#list), unpack(list))
end

-- Returns the list of n spans packed at `at`.
function M.unpack(bytes, at, n)
  local list = { struct.unpack('<' .. ('d'):rep(2 * n), bytes, at) }
  list[2 * n + 1] = nil -- where the next byte is
  return list
end

return M
