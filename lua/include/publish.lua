-- publish: writes what people and the API see. Writes `stats:<sensor>` and `results`.
local M = { DIRTY = '\0dirty' }

local DIRTY_EACH = 64 -- a fold tries so many of the sensors that wait

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

-- Publishes these sensors; returns the names of those that failed, and the first error.
function M.all(keys, shown)
  local kept, fault = {}, nil
  for _, one in ipairs(shown) do
    local err = M.sensor(keys, one.name, one.fields, one.length, one.changed)
    if err then
      kept[#kept + 1], fault = one.name, fault or err
    end
  end
  return kept, fault
end

-- Publishes again what an earlier fold could not, but for sensors that this one has (`done`).
-- Returns those that still wait, then those in `fresh`, and the first error.
function M.dirty(keys, dirty, done, fresh)
  local fault
  local names, later = {}, {}
  for _, name in ipairs(dirty) do
    local list = #names < DIRTY_EACH and names or later
    if not done[name] then list[#list + 1] = name end
  end
  local found = records.load(keys.state, names)
  for i, name in ipairs(names) do
    if found[i] and found[i] ~= '' then
      local _, fields, f = sensor.finish(sensor.begin(found[i], name))
      local err = M.sensor(keys, name, fields, f, f)
      if err then later[#later + 1], fault = name, fault or err end
    end
  end
  for _, name in ipairs(fresh) do later[#later + 1] = name end
  return later, fault
end

-- Keeps `results` at its length, once a fold rather than with each entry; returns nil or an error.
function M.trim_results(keys)
  return failed(redis.pcall('XTRIM', keys.results, 'MAXLEN', '~', keys.results_maxlen))
end

-- Of what its field holds returns the names of sensors whose figures are still to be published.
function M.load_dirty(packed)
  local ok, names = pcall(cmsgpack.unpack, packed or '')
  return ok and type(names) == 'table' and names or {} -- damaged: those are shown when they next change
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
