-- stopwatch: how long the script has held the server. Asks TIME where there is no clock of its own.
local M = {}

-- Returns a clock of microseconds. Redis 7.0 has no os.clock, but there TIME runs on in a script.
local function make_clock()
  local found, of_process = pcall(function() return os.clock end)
  if found then
    return function() return of_process() * 1e6 end
  end
  return function()
    local now = redis.call('TIME')
    return now[1] * 1e6 + now[2]
  end
end

local clock_us = make_clock()
local started_us = clock_us()

-- Returns whole microseconds since the script began.
function M.busy_us()
  return math.floor(clock_us() - started_us)
end

return M
