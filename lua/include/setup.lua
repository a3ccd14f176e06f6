-- setup: what each script does before its work: reads its options, readies the reducers. Asks TIME.
local M = {}

-- Returns the wall clock in ms: the server's, or the caller's where it gives one.
local function wall_ms(given)
  if given ~= '' then
    return tonumber(given)
  end
  local now = redis.call('TIME')
  return now[1] * 1000 + math.floor(now[2] / 1000)
end

-- Returns the options (JSON, or empty: none but the first reducer is there) with the time in them.
-- A reducer that has nothing to do in this call is left out.
function M.run(text, now_ms, keys)
  local options = text ~= '' and cjson.decode(text) or { forget_ms = 0, sizes = {} }
  if text ~= '' then options.now_ms = wall_ms(now_ms) end
  keys.sizes, removal.keys = options.sizes, keys
  slow.setup(keys.state)
  for i = #reducers, 1, -1 do
    local reducer = reducers[i]
    if reducer.setup and reducer.setup(options, keys) == false then table.remove(reducers, i) end
  end
  sensor.setup()
  return options
end

return M
