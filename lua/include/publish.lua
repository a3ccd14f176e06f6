-- publish: writes what people and the API see. Writes `stats:<sensor>` and `results`.
local M = { DIRTY = '\0dirty' }

-- Returns the arguments in chunks that unpack can take.
function M.chunks(list, size)
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

local function failed(reply)
  return type(reply) == 'table' and reply.err
end

-- Writes one sensor's hash and its results entry; returns nil, or the error of the one that failed.
-- Of the hash only the first `changed` items need writing, unless some were not there: then someone
-- has deleted it, and all are written.
function M.sensor(keys, name, fields, f, changed)
  local key = keys.stats_prefix .. name
  local reply = redis.pcall('HSET', key, unpack(fields, 1, changed))
  if changed < f and reply ~= 0 and not failed(reply) then
    reply = redis.pcall('HSET', key, unpack(fields, 1, f))
  end
  if failed(reply) then
    return reply.err
  end
  reply = redis.pcall('XADD', keys.results, '*', 'sensor', name, unpack(fields, 1, f))
  return failed(reply)
end

-- Keeps `results` at its length, once a fold rather than with each entry; returns nil or an error.
function M.trim_results(keys, limits)
  return failed(redis.pcall('XTRIM', keys.results, 'MAXLEN', '~', limits.results_maxlen))
end

-- Of what its field holds returns the names of sensors whose figures are still to be published.
function M.load_dirty(packed)
  return packed and cmsgpack.unpack(packed) or {}
end

-- Notes those names, or that there are none; `had` says whether there were any before.
function M.save_dirty(state, names, had)
  if #names > 0 then
    redis.call('HSET', state, M.DIRTY, cmsgpack.pack(names))
  elseif had then
    redis.call('HDEL', state, M.DIRTY)
  end
end

return M
