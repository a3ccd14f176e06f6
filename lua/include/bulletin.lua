-- bulletin: what is told of alerts. Each change goes to the outbox once: an entry of `alerts`, and
-- what fires now into `firing`.
local M = {}

M.SAYS = {
  limit = '{sensor} is at {value}, which is {threshold}',
  deviation = '{sensor} is at {value}, more than {threshold} from its mean',
  stuck = '{sensor} has been at {value} for {threshold}',
  silence = '{sensor} has sent nothing for {threshold}',
}
M.RESOLVED = {
  limit = '{sensor} is back at {value}', deviation = '{sensor} is back at {value}',
  stuck = '{sensor} has moved to {value}', silence = '{sensor} sends again',
  forgotten = '{sensor} was forgotten',
  gone = 'the rule {rule} is no longer there for {sensor}',
}
local keys, maxlen, at_ms

function M.setup(options, names)
  keys, maxlen, at_ms = names, options.alerts_maxlen, options.now_ms
end

local told = {} -- of one sensor, to be put in the order of its readings

-- Tells a change of one rule, by reading i of a run or (0) by none; t is its event time, `id` that
-- of the reading or ''.
function M.tell(s, rule, state, message, value, threshold, t, id, i)
  local said = { sensor = s.name, rule = rule.name, value = value, threshold = threshold }
  local fields = { 'sensor', s.name, 'rule', rule.name, 'type', rule.type, 'state', state,
    'value', value, 'threshold', threshold, 'ts', number.shortest(t),
    'at', number.shortest(at_ms), 'id', id,
    'message', (string.gsub(rule.message or message, '{(%a+)}', said)) }
  local json
  if state == 'firing' then
    json = {}
    for at = 1, #fields, 2 do
      json[#json + 1] = '"' .. fields[at] .. '":' .. cjson.encode(fields[at + 1])
    end
    json = '{' .. table.concat(json, ',') .. ',"since":' .. number.shortest(t) .. '}'
  end
  told[#told + 1] = { i = i, n = #told, fields = fields, name = rule.name .. ':' .. s.name, json = json }
end

local function earlier(a, b)
  if a.i ~= b.i then return a.i < b.i end
  return a.n < b.n
end

-- Puts what was told of one sensor into the outbox.
function M.send()
  if #told == 0 then
    return
  end
  if #told > 1 then table.sort(told, earlier) end
  for _, one in ipairs(told) do
    outbox.entry('changes', keys.alerts, maxlen, one.fields)
    outbox.field(keys.firing, one.name, one.json)
  end
  told = {}
end

return M
