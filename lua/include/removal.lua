-- removal: takes away all that is kept of a sensor. Writes every key that has something of it.
--
-- The commit leaves an empty record and counts; that the sensor is to be cleared away is then in
-- the outbox, and its own fields of `state` go last. Until they are gone nothing of the sensor is
-- folded, so that nothing new can be cleared away with the old.
local M = { FIELD = '\0forgotten' }

local function fails(reply)
  return type(reply) == 'table' and reply.err or nil
end

-- Clears a sensor away; returns the first error. What is done already does no harm.
function M.clear(name, keys)
  local fault = fails(redis.pcall('XADD', keys.results, 'MAXLEN', '~', keys.results_maxlen, '*',
    'sensor', name, 'forgotten', '1'))
  local gone = { keys.stats_prefix .. name }
  for _, size in ipairs(keys.sizes) do
    gone[#gone + 1] = keys.panes_prefix .. size.name .. ':' .. name
  end
  fault = fault or fails(redis.pcall('DEL', unpack(gone)))
    or fails(redis.pcall('ZREM', keys.due, name))
  return fault or fails(redis.pcall('HDEL', keys.state, name, slow.PREFIX .. name))
end

function outbox.writers.clear(one)
  return M.clear(string.sub(one[2], 2), M.keys)
end

-- Takes a forgotten sensor out of the state: appends to the arguments of the HSET that commits it.
function M.mark(s, args)
  for i = 1, #reducers do
    if reducers[i].forget then reducers[i].forget(s[i], s) end
  end
  outbox.clear(s.name)
  args[#args + 1], args[#args + 2] = s.name, ''
end

-- Appends how many there have been, with `more` now.
function M.count(more, args)
  local before = redis.call('HGET', M.keys.state, M.FIELD)
  args[#args + 1] = M.FIELD
  args[#args + 1] = string.format('%.0f', (tonumber(before) or 0) + more)
end

return M
