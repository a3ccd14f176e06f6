-- trim: drops readings that every group on the stream is done with. Reads and trims `readings`.
local M = {}

local SLACK = 128 -- trim in whole nodes of the stream's tree (100 entries by default), not by one

-- Returns the lowest id that some other group may still need, or nil, and how many entries the
-- slowest of the others has not read, or nil where Redis cannot tell.
local function others_need(readings, group)
  local lowest, unread = nil, 0
  for _, reply in ipairs(redis.call('XINFO', 'GROUPS', readings)) do
    local g = cursor.as_map(reply)
    if g.name ~= group then
      local id = g['last-delivered-id']
      if g.pending > 0 then
        id = redis.call('XPENDING', readings, g.name)[2]
        unread = nil
      elseif unread then
        unread = g.lag and math.max(unread, g.lag) or nil
      end
      if not lowest or stream_id.less(id, lowest) then lowest = id end
    end
  end
  return lowest, unread
end

-- Trims the stream to what is unread by any group, and `tail` entries before that. MAXLEN counts
-- from the end, so it can never reach an entry that is not yet read.
function M.trim(c, readings, group, tail)
  local unread = c.added - c.read
  if c.length <= unread + tail + SLACK then
    return
  end
  local lowest, others_unread = others_need(readings, group)
  if lowest and not others_unread then
    local id = stream_id.less(c.id, lowest) and c.id or lowest
    redis.call('XTRIM', readings, 'MINID', '~', id)
  else
    local keep = math.max(unread, others_unread or 0) + tail
    redis.call('XTRIM', readings, 'MAXLEN', '~', string.format('%.0f', keep))
  end
end

return M
