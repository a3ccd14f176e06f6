-- ruleset: the alert rules of a partition. Reads `rules`.
--
-- processor/rules.py makes and checks that JSON; what is none of it counts as no rules.
local M = { version = 0, has = {} } -- has: the types of rules that there are

local for_all, by_kind, by_glob = { types = {} }, {}, {}
local NONE = {}

local NEEDS = {
  limit = { hysteresis = 'number' }, deviation = { sigma = 'number', warm_up = 'number' },
  stuck = { after_ms = 'number' }, silence = { after_ms = 'number' },
}
local MAY = {
  high = 'number', low = 'number', high_text = 'string', low_text = 'string',
  threshold = 'string', message = 'string', sensor = 'string', kind = 'string',
}

-- Tells whether a rule has all that its type needs, and nothing that is not what it must be.
local function is_rule(rule)
  if type(rule) ~= 'table' or type(rule.name) ~= 'string' or #rule.name > 64 then
    return false
  end
  for name, wanted in pairs(NEEDS[rule.type] or { [1] = 'a type that is known' }) do
    if type(rule[name]) ~= wanted then return false end
  end
  for name, wanted in pairs(MAY) do
    if rule[name] ~= nil and type(rule[name]) ~= wanted then return false end
  end
  return true
end

local function take(rule)
  local into = for_all
  if rule.sensor then
    rule.glob, into = glob.compile(rule.sensor), by_glob
  elseif rule.kind then
    by_kind[rule.kind] = by_kind[rule.kind] or {}
    into = by_kind[rule.kind]
  end
  into[#into + 1], M.has[rule.type] = rule, true
  if into == for_all then for_all.types[rule.name] = rule.type end
end

-- Reads the rules; returns whether there are any, or once were.
function M.load(key)
  local text = redis.call('GET', key)
  local ok, document = pcall(cjson.decode, text or '{}')
  if not ok or type(document) ~= 'table' then
    return text and true or false
  end
  M.version = tonumber(document.version) or 0
  for _, rule in ipairs(type(document.rules) == 'table' and document.rules or NONE) do
    if is_rule(rule) then take(rule) end
  end
  return text and true or false
end

-- Returns the rules of a sensor: those for all, those of its kind, those its name fits; and in
-- `types` the type of each by its name.
function M.of(name, kind)
  local some = by_kind[kind] or NONE
  if #some == 0 and #by_glob == 0 then
    return for_all
  end
  local list = { types = {} }
  local function add(rule)
    list[#list + 1], list.types[rule.name] = rule, rule.type
  end
  for _, rule in ipairs(for_all) do add(rule) end
  for _, rule in ipairs(some) do add(rule) end
  for _, rule in ipairs(by_glob) do
    if glob.fits(rule.glob, name) then add(rule) end
  end
  return list
end

return M
