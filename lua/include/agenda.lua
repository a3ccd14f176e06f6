-- agenda: the sensors that the clock has something to do for. Reads and writes `due`, reads `state`.
--
-- The score of a sensor is the first wall-clock ms at which it must be looked at. It may be too
-- early, never too late: it is lowered before the fold commits, and raised after it; so whatever
-- fails, the sensor is looked at in time, and looking twice changes nothing.
local M = { on = false, FIELD = '\0swept' }

local SLACK_MS = 50 -- a moment so little earlier is not worth a write
local SWEEP = 100 -- sensors of one step
local earlier, later, done = {}, {}, {}
local key, hash, forget_ms, index
local huge = math.huge

-- Says where the keys are; without the reducer clock nothing is ever due.
function M.setup(due, state, options)
  key, hash, forget_ms = due, state, options.forget_ms
  for i = 1, #reducers do
    if reducers[i].tag == string.byte('d') then index, M.on = i, true end
  end
end

-- Returns the names of at most `most` sensors that are due.
function M.names(now, most)
  return redis.call('ZRANGEBYSCORE', key, '-inf', string.format('%.0f', now), 'LIMIT', 0, most)
end

local function deadline(s)
  local at = sensor.deadline(s)
  local seen = forget_ms > 0 and sensor.seen_ms(s)
  if seen and seen + forget_ms < at then at = seen + forget_ms end
  return at
end

-- Does what the clock demands of a sensor, if the fold has caught up with the stream: else what is
-- still unread would be taken for silence. Sets s.forgotten where its time is over, if it may.
function M.settle(s, now, caught_up, drained, may_forget)
  local own, at = s[index], deadline(s)
  if drained or caught_up and at <= now then
    sensor.tick(s, now)
    local seen = forget_ms > 0 and sensor.seen_ms(s)
    s.forgotten = may_forget and seen and now - seen >= forget_ms
    at = deadline(s)
  end
  if s.forgotten then
    return
  end
  if drained then
    own.score = at
    if at < huge then
      later[#later + 1], later[#later + 2] = string.format('%.0f', at), s.name
    else
      done[#done + 1] = s.name
    end
  elseif at + SLACK_MS < own.score then
    own.score = at
    earlier[#earlier + 1], earlier[#earlier + 2] = string.format('%.0f', at), s.name
  end
end

-- Drops a name without a record.
function M.drop(name)
  done[#done + 1] = name
end

-- Writes the scores that must be lower, before the commit.
function M.lower()
  for first, last in chunks.of(earlier, 1000) do
    redis.call('ZADD', key, unpack(earlier, first, last))
  end
end

-- Writes the other scores, after it; returns the first error.
function M.raise()
  local fault
  for first, last in chunks.of(later, 1000) do
    local reply = redis.pcall('ZADD', key, unpack(later, first, last))
    fault = fault or type(reply) == 'table' and reply.err or nil
  end
  for first, last in chunks.of(done, 1000) do
    local reply = redis.pcall('ZREM', key, unpack(done, first, last))
    fault = fault or type(reply) == 'table' and reply.err or nil
  end
  return fault
end

-- Returns what all sensors are to be looked at for, as text without a blank.
local function wanted_by(options)
  local parts = { string.format('%.0f:%.0f', options.rules_version or 0, forget_ms) }
  if #options.sizes > 0 then parts[2] = string.format('%.0f', options.lateness_ms) end
  for _, size in ipairs(options.sizes) do parts[#parts + 1] = string.format('%.0f', size.ms) end
  return table.concat(parts, ':')
end

-- Returns where the sweep goes on, or nil where all sensors have been looked at for what is wanted.
-- `swept` is the field of that name: what was wanted last, and how far that has come.
function M.sweep_from(swept, options)
  local wanted = wanted_by(options)
  local known, at = string.match(swept or '0:0 done', '^(%S+) (%S+)$')
  if known ~= wanted then
    return { wanted = wanted, at = '0' }
  end
  return at ~= 'done' and { wanted = wanted, at = at } or nil
end

-- Makes some more sensors due: after a change of what they are to be looked at for, all of them are.
-- Returns the value that the field is to have once that is so.
function M.sweep(from, now)
  local reply = redis.call('HSCAN', hash, from.at, 'COUNT', SWEEP)
  local args = {}
  for i = 1, #reply[2], 2 do
    local name = reply[2][i]
    if string.byte(name) ~= 0 then
      args[#args + 1], args[#args + 2] = string.format('%.0f', now), name
    end
  end
  for first, last in chunks.of(args, 1000) do
    redis.call('ZADD', key, 'LT', unpack(args, first, last))
  end
  local next_at = reply[1] == '0' and 'done' or reply[1]
  return from.wanted .. ' ' .. next_at
end

return M
