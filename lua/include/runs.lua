-- runs: folds the runs of one fold, one a sensor, into the records of their sensors. Reads `state`.
local M = {}

local HELD = 'ERR the sensor is still to be cleared away'

-- Adds the sensors that are due to the runs: those without readings as quiet ones.
function M.add_due(runs, names)
  for _, name in ipairs(names) do
    local run = runs[name]
    if not run then
      run = { sensor = name, n = 0, rejected = 0, values = {}, ids = {}, quiet = true }
      runs[name], runs[#runs + 1] = run, run
    end
    run.due = true
  end
end

-- Folds one run into a record; appends to the arguments of the HSET that commits the fold. Returns
-- the state, and what is to be shown of it, unless that is nothing.
local function fold_run(run, record, commit, now, caught_up, may_forget)
  if record == '' and not run.quiet then
    error({ err = HELD })
  end
  local s = sensor.begin(record, run.sensor)
  local before = s.duplicates
  sensor.step(s, run)
  run.duplicates = s.duplicates - before
  if agenda.on then agenda.settle(s, now, caught_up, run.due, may_forget) end
  if s.forgotten then
    removal.mark(s, commit)
    return s
  end
  local packed, fields, length, changed = sensor.finish(s)
  commit[#commit + 1], commit[#commit + 2] = run.sensor, packed
  if s.slow then
    commit[#commit + 1], commit[#commit + 2] = slow.PREFIX .. run.sensor, slow.pack(s.slow)
  end
  if run.quiet then return s end
  return s, { name = run.sensor, fields = fields, length = length, changed = changed }
end

-- Folds all runs; returns the arguments of the HSET that commits them, and what came of it. `now` is
-- the wall clock; panes close by it only when the fold has `caught_up`.
function M.fold(state, runs, now, caught_up, may_forget)
  local all, commit = {}, {}
  local done = { shown = {}, readings = 0, duplicates = 0, forgotten = 0 }
  for i = 1, #runs do all[i] = runs[i].sensor end
  local found = records.load(state, all)
  for i = 1, #runs do
    local run, record = runs[i], found[i]
    if run.quiet and (not record or record == '') then
      agenda.drop(run.sensor)
    else
      local s, shown = fold_run(run, record, commit, now, caught_up, may_forget)
      done.readings, done.duplicates = done.readings + run.n, done.duplicates + run.duplicates
      if s.forgotten then done.forgotten = done.forgotten + 1 end
      done.shown[#done.shown + 1] = shown
    end
  end
  if done.forgotten > 0 then removal.count(done.forgotten, commit) end
  return commit, done
end

return M
