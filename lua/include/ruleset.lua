-- ruleset: the alert rules of a partition. Reads `rules`.
--
-- processor/rules.py makes and checks that JSON; what is none of it counts as no rules.
local M = { version = 0, has = {} } -- has: the types of rules that there are

local for_all, by_kind, by_glob = {}, {}, {}
local NONE = {}

-- Reads the rules; returns whether there is a key of them.
function M.load(key)
  local text = redis.call('GET', key)
  local ok, document = pcall(cjson.decode, text or '{}')
  M.version = ok and tonumber(document.version) or 0
  for _, rule in ipairs(ok and document.rules or NONE) do
    local into = for_all
    if rule.sensor then
      rule.glob, into = glob.compile(rule.sensor), by_glob
    elseif rule.kind then
      by_kind[rule.kind] = by_kind[rule.kind] or {}
      into = by_kind[rule.kind]
    end
    into[#into + 1] = rule
    M.has[rule.type] = true
  end
  return text and true or false
end

-- Returns the rules of a sensor: those for all, those of its kind, those its name fits.
function M.of(name, kind)
  local some = by_kind[kind] or NONE
  if #some == 0 and #by_glob == 0 then
    return for_all
  end
  local list = {}
  for _, rule in ipairs(for_all) do list[#list + 1] = rule end
  for _, rule in ipairs(some) do list[#list + 1] = rule end
  for _, rule in ipairs(by_glob) do
    if glob.fits(rule.glob, name) then list[#list + 1] = rule end
  end
  return list
end

return M
