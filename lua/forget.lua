--- Takes away all that is kept of some sensors, atomically.
--- KEYS state results late alerts_stream firing rules due
--- ARGV stats_prefix windows_prefix panes_prefix results_maxlen now_ms options sensors seen_before_ms
--- RETURNS forgotten fault
--- INCLUDE exact alike number stream_id sequence sums figures slow outbox
--- INCLUDE @reducers tally sensor removal setup
--
-- `sensors` are names, one a line, at most 1,000. With `seen_before_ms` only those whose last reading,
-- good or not, arrived before it are forgotten. First comes what an earlier call has left in the outbox: it may
-- be of these sensors, and must not be written after they are gone.

local keys = {
  state = state, results = results, late = late, alerts = alerts_stream, firing = firing,
  rules = rules, due = due, stats_prefix = stats_prefix, windows_prefix = windows_prefix,
  panes_prefix = panes_prefix, results_maxlen = results_maxlen,
}
setup.run(options, now_ms, keys)

-- Tells whether a sensor's last reading arrived long enough ago.
local function is_meant(s)
  local before, seen = tonumber(seen_before_ms), sensor.seen_ms(s)
  return not before or seen and seen < before
end

local names = {}
for name in string.gmatch(sensors, '[^\n]+') do names[#names + 1] = name end
redis.call('HDEL', state, '\0none') -- a first write that needs no memory: forgetting frees some
local unsent = redis.call('HGET', state, outbox.FIELD)
local left, fault = {}, nil
if unsent then left, fault = outbox.resume(unsent, state) end
if #left > 0 or #names == 0 then
  return { {}, fault or '' }
end

local records, args, forgotten = redis.call('HMGET', state, unpack(names)), {}, {}
for i, name in ipairs(names) do
  if records[i] and records[i] ~= '' then
    local s = sensor.begin(records[i], name)
    if is_meant(s) then
      removal.mark(s, args)
      forgotten[#forgotten + 1] = name
    end
  end
end
if #forgotten > 0 then
  removal.count(#forgotten, args)
  outbox.save(left, args)
  redis.call('HSET', state, unpack(args))
  fault = outbox.deliver(left, state)
end
return { forgotten, fault or '' }
