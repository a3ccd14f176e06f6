-- outbox: entries that must be written once and only once. Writes streams, lists and `firing`.
--
-- What a fold has to say goes into the field `\0outbox` of `state`, by the HSET that commits the
-- fold; only then is it written, and the field removed. A fold that finds the field looks how far
-- the last one came: nobody else writes to these keys, and on each key the items are written in
-- order and none after one that failed; so what is there already is a beginning of the list.
local M = { FIELD = '\0outbox', MOST = 1000, counts = { closed = 0, late = 0, changes = 0 } }

local WAITS = 'ERR earlier entries wait'
local before, items = {}, {} -- what an earlier fold has left, and what this one has to say

-- Adds an entry of a stream; `fields` is a flat list. It is counted under `what`.
function M.entry(what, key, maxlen, fields)
  M.counts[what] = M.counts[what] + 1
  items[#items + 1] = { 'entry', key, maxlen, fields }
end

-- Adds an element at the end of a list, of which the newest `keep` stay. Elements begin with
-- three bytes and a float64 that only grows, by which they are known.
function M.element(key, keep, bytes)
  items[#items + 1] = { 'element', key, keep, bytes }
end

-- Returns the elements for a list that this fold has not seen written, oldest first: where it could
-- not look, the first of them may be there.
function M.waiting(key)
  local found = {}
  for _, list in ipairs({ before, items }) do
    for _, one in ipairs(list) do
      if one[1] == 'element' and one[2] == key then found[#found + 1] = one[4] end
    end
  end
  return found
end

-- Sets a field of a hash, or (without a value) removes it.
function M.field(key, name, value)
  items[#items + 1] = { 'field', key, name, value or nil }
end

-- Adds that a sensor is to be cleared away. Of each name this is a key of its own.
function M.clear(name)
  items[#items + 1] = { 'clear', '\0' .. name }
end

-- Appends the items of this fold, behind those of earlier ones, to the arguments of an HSET.
function M.save(left, args)
  if #items > 0 then
    local all = { unpack(left) }
    for _, one in ipairs(items) do all[#all + 1] = one end
    args[#args + 1], args[#args + 2] = M.FIELD, cmsgpack.pack(all)
  end
end

local function same(a, b)
  for i = 1, #a do
    if a[i] ~= b[i] then return false end
  end
  return #a == #b
end

-- Tells whether the first k entries of a list are the newest k of those found, newest first.
local function ends_with(found, list, k)
  for i = 1, math.min(k, #found) do
    if not same(found[i][2], list[k - i + 1][4]) then return false end
  end
  return k == 0 or #found > 0
end

local function fault_of(reply)
  return type(reply) == 'table' and reply.err or nil
end

-- Returns how many of the entries meant for a stream are there already, and the error or nil.
local function entries_there(key, list)
  local found = redis.pcall('XREVRANGE', key, '+', '-', 'COUNT', #list)
  if found.err then
    return 0, found.err
  end
  for k = #list, 1, -1 do
    if ends_with(found, list, k) then return k end
  end
  return 0
end

-- The same for a list.
local function elements_there(key, list)
  local newest = redis.pcall('LINDEX', key, -1)
  if fault_of(newest) then
    return 0, newest.err
  end
  local k = 0
  while newest and k < #list
    and struct.unpack('<d', list[k + 1][4], 4) <= struct.unpack('<d', newest, 4) do
    k = k + 1
  end
  return k
end

local THERE = { entry = entries_there, element = elements_there }

-- Returns by key how many of its items an earlier fold has written, and by key the error where that
-- cannot be told.
local function written_before(list)
  local by_key, counts, failed = {}, {}, {}
  for _, one in ipairs(list) do
    if THERE[one[1]] then
      by_key[one[2]] = by_key[one[2]] or {}
      table.insert(by_key[one[2]], one)
    end
  end
  for key, of_key in pairs(by_key) do
    counts[key], failed[key] = THERE[of_key[1][1]](key, of_key)
  end
  return counts, failed
end

-- Leaves the newest elements of a list; returns the error or nil.
local function trim(one)
  return fault_of(redis.pcall('LTRIM', one[2], -one[3], -1))
end

-- How an item of each kind is written; returns the error or nil.
M.writers = {
  entry = function(one)
    return fault_of(redis.pcall('XADD', one[2], 'MAXLEN', '~', one[3], '*', unpack(one[4])))
  end,
  element = function(one)
    local reply = redis.pcall('RPUSH', one[2], one[4])
    if type(reply) == 'number' and reply > one[3] then return trim(one) end
    return fault_of(reply)
  end,
  field = function(one)
    if one[4] then return fault_of(redis.pcall('HSET', one[2], one[3], one[4])) end
    return fault_of(redis.pcall('HDEL', one[2], one[3]))
  end,
}

-- Writes a list but for the first items of each key that are there (a count by key); returns those
-- that failed or stand behind one that did, by key, and the first error.
local function write_all(list, there, failed)
  local left, fault = {}, nil
  for _, one in ipairs(list) do
    local key, err = one[2]
    if (there[key] or 0) > 0 then
      there[key] = there[key] - 1
      err = one[1] == 'element' and trim(one) or nil
    elseif one[1] == 'clear' and #left > 0 then
      err = WAITS -- for what may be of the same sensor, and must not come after this
    else
      err = failed[key] or M.writers[one[1]](one)
    end
    if err then
      left[#left + 1], failed[key], fault = one, err, fault or err
    end
  end
  return left, fault
end

-- Writes what an earlier fold has left; returns what is left still, and the first error.
function M.resume(packed, state)
  local list = cmsgpack.unpack(packed)
  local left, fault = write_all(list, written_before(list))
  if #left == 0 then
    fault = fault_of(redis.pcall('HDEL', state, M.FIELD))
  end
  before = left
  return left, fault
end

-- Writes the items of this fold after its commit, and notes what is left; returns the first error.
function M.deliver(left, state)
  if #items == 0 then
    return nil
  end
  local failed = {}
  for _, one in ipairs(left) do failed[one[2]] = WAITS end
  local more, fault = write_all(items, {}, failed)
  for _, one in ipairs(more) do left[#left + 1] = one end
  local reply
  if #left == 0 then
    reply = redis.pcall('HDEL', state, M.FIELD)
  else
    reply = redis.pcall('HSET', state, M.FIELD, cmsgpack.pack(left))
  end
  return fault or fault_of(reply)
end

return M
