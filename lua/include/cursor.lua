-- cursor: how far the readings are folded. Reads `state` and `readings`; moves the group.
--
-- The truth is a field of `state`, written by the same HSET as the sums, so that the two cannot
-- disagree whatever fails. The consumer group only shows it to people and keeps the lag.
local M = { FIELD = '\0cursor' }

local START = '0-0'
local DAMAGED = "ERR the field '\\0cursor' of the state is damaged, by hand or on disk: set it to the "
  .. "last-delivered-id of the group, a blank, and its entries-read (XINFO GROUPS)"

-- Returns a map of a flat reply of names and values.
local function as_map(reply)
  local map = {}
  for i = 1, #reply, 2 do
    map[reply[i]] = reply[i + 1]
  end
  return map
end
M.as_map = as_map

-- Of what its field holds (`saved`) returns { id, read, last, added, length }: the last folded id, how many entries were read up to
-- it, and of the stream its last id, its count of entries ever added, and its length; or nil
-- where there is no stream. A stream made anew (its ids or its count fell back behind the
-- cursor) is read from its start: all of it is unread.
function M.load(readings, saved)
  if redis.call('EXISTS', readings) == 0 then
    return nil, saved and string.match(saved, '^%S+')
  end
  local info = as_map(redis.call('XINFO', 'STREAM', readings))
  local c = {
    id = START, read = 0,
    last = info['last-generated-id'], added = info['entries-added'], length = info.length,
  }
  if saved then
    local id, read = string.match(saved, '^(%d+%-%d+) (%d+)$')
    if not id then error({ err = DAMAGED }) end
    if not stream_id.less(c.last, id) and tonumber(read) <= c.added then
      c.id, c.read = id, tonumber(read)
    end
  end
  local first = info['first-entry']
  if first and not stream_id.less(c.id, first[1]) then
    return c
  end
  -- All that is there is unread. The count knows better than the cursor: it may be of a stream
  -- made anew, and the trimming must not take the unread for read.
  c.read = c.added - c.length
  return c
end

-- Appends the cursor to the arguments of an HSET on `state`.
function M.save(c, args)
  args[#args + 1] = M.FIELD
  args[#args + 1] = c.id .. ' ' .. string.format('%.0f', c.read)
end

-- Tells whether the group stands at the cursor.
function M.is_shown(c, readings, group)
  for _, reply in ipairs(redis.call('XINFO', 'GROUPS', readings)) do
    local g = as_map(reply)
    if g.name == group then
      return g['last-delivered-id'] == c.id and g['entries-read'] == c.read
    end
  end
  return false
end

-- Sets the group to the cursor, and makes it where it is missing.
function M.show(c, readings, group)
  local read = string.format('%.0f', c.read)
  local reply = redis.pcall('XGROUP', 'SETID', readings, group, c.id, 'ENTRIESREAD', read)
  if reply.err and string.find(reply.err, '^NOGROUP') then
    reply = redis.pcall('XGROUP', 'CREATE', readings, group, c.id, 'ENTRIESREAD', read)
  end
  if reply.err then
    error(reply)
  end
end

return M
