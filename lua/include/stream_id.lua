-- stream_id: order and parts of stream entry ids, `<ms>-<seq>`. Pure.
local M = {}

local match, byte, sub = string.match, string.byte, string.sub

-- Decimal texts without leading zeros order by length, then by bytes: exact at any size, where a
-- double would lose the low digits of a 64-bit part.
local function less_digits(a, b)
  if #a ~= #b then
    return #a < #b
  end
  return a < b
end

-- Tells whether id `a` comes before id `b`.
function M.less(a, b)
  local a_ms, a_seq = match(a, '^(%d+)%-(%d+)$')
  local b_ms, b_seq = match(b, '^(%d+)%-(%d+)$')
  if a_ms == b_ms then
    return less_digits(a_seq, b_seq)
  end
  return less_digits(a_ms, b_ms)
end

local known = {} -- milliseconds by the text of them and the dash: many ids of a fold share theirs

-- Returns the milliseconds of an id as a number. From 2001 to 2286 they have 13 digits.
function M.ms(id)
  local head = sub(id, 1, 14)
  local ms = known[head]
  if not ms then
    if byte(head, 14) ~= 45 then
      return tonumber(match(id, '^%d+'))
    end
    ms = tonumber(sub(head, 1, 13))
    known[head] = ms
  end
  return ms
end

return M
