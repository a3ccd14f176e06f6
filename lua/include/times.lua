-- times: when the readings of a run happened. Pure.
--
-- The event time of a reading is its ts, or else that of its entry's id; all values of an entry
-- share it. The arrival of a reading is always that of its entry's id.
local M = {}

local ms = stream_id.ms

local arrivals = {} -- one table for all runs: it is used up before the next

-- Notes the event times of a run without ts, and their bounds: they only grow.
local function note_arrivals(run)
  local ids, t = run.ids, nil
  for i = 1, run.n do
    local id = ids[i]
    if id then t = ms(id) end
    arrivals[i] = t
  end
  run.times, run.low_ts, run.high_ts, run.first_at, run.last_at = arrivals, arrivals[1], t, 1, run.n
end

-- Notes in a run the event time of each reading (times), the earliest and latest (low_ts, high_ts)
-- and who has them: the first to arrive of the earliest, the last to arrive of the latest.
function M.note(run)
  if run.times then
    return
  elseif not run.ts then
    return note_arrivals(run)
  end
  local ts, ids, times, at = run.ts, run.ids, {}, nil
  local low, high, first_at, last_at = math.huge, -math.huge, 1, 1
  for i = 1, run.n do
    local t = ts[i]
    if not t then
      if ids[i] then at = ms(ids[i]) end
      t = at
    end
    times[i] = t
    if t < low then low, first_at = t, i end
    if t >= high then high, last_at = t, i end
  end
  run.times, run.low_ts, run.high_ts, run.first_at, run.last_at = times, low, high, first_at, last_at
end

-- Notes the bounds alone where they can be had without the rest: without ts, times only grow.
function M.note_bounds(run)
  if run.ts then
    return M.note(run)
  end
  if not run.low_ts then
    run.low_ts, run.high_ts, run.first_at, run.last_at = ms(run.ids[1]), ms(run.last_id), 1, run.n
  end
end

return M
