-- reject: keeps every reading that could not be folded, with the reason. Appends to `rejects`.
local M = {}

local MOST_FIELDS = 32
local MOST_BYTES = 4096 -- of a field; of a batch eight times as many
local KNOWN = { sensor = 1, value = 1, values = 8, packed = 8, ts = 1, seq = 1, kind = 1, unit = 1 }

-- Each byte as \xNN, made when it is first met.
local ESCAPED = setmetatable({}, { __index = function(made, byte)
  made[byte] = string.format('\\x%02x', string.byte(byte))
  return made[byte]
end })

-- Returns the text with every byte that is not printable ASCII, and the backslash, as \xNN.
local function printable(text)
  return (string.gsub(text, '[%z\1-\31\92\127-\255]', ESCAPED))
end

-- Calls keep(name, value, most) for the fields that are kept: those that a reading has first, then
-- the others, 32 in all, and of each so many bytes. Returns how many are left out or cut.
local function each_kept(list, keep)
  local room, left = MOST_FIELDS, 0
  for pass = 1, 2 do
    for j = 1, #list, 2 do
      local times = KNOWN[list[j]]
      if (pass == 1) == (times ~= nil) then
        local most = (times or 1) * MOST_BYTES
        if room > 0 then keep(list[j], list[j + 1], most) end
        if room <= 0 or #list[j + 1] > most or #list[j] > MOST_BYTES then left = left + 1 end
        room = room - 1
      end
    end
  end
  return left
end

-- Returns what keeping a reject costs, in single readings: it is about a microsecond for 200 bytes.
function M.weight(list)
  local bytes = 0
  for j = 1, math.min(#list, 2 * MOST_FIELDS) do
    bytes = bytes + math.min(#list[j], 8 * MOST_BYTES)
  end
  return 1 + #list / 20 + bytes / 200
end

-- Returns the arguments of the XADD of one reject, after the id.
local function arguments_of(r)
  local args = { 'id', r.id, 'code', r.code, 'reason', r.reason }
  local left = each_kept(r.fields, function(name, value, most)
    args[#args + 1] = 'field:' .. printable(string.sub(name, 1, MOST_BYTES))
    args[#args + 1] = printable(string.sub(value, 1, most))
  end)
  if left > 0 then
    args[#args + 1], args[#args + 2] = 'cut', tostring(left)
  end
  return args
end

-- Returns a set of the ids of all rejects that were read after the cursor: what folds that broke
-- off before they could move it have left. The newest come first, and most often there are none.
local function written_after(cursor_id, stream)
  local ids, from, size = {}, '+', 1
  repeat
    local found = redis.call('XREVRANGE', stream, from, '-', 'COUNT', size)
    for _, e in ipairs(found) do
      local id = string.match(e[2][2], '^%d+%-%d+$') -- of another's entry, nil
      if id and not stream_id.less(cursor_id, id) then
        return ids
      end
      ids[id or ''], from = true, '(' .. e[1]
    end
    local full = #found == size
    size = 1000
  until not full
  return ids
end

-- Writes the rejects that an earlier fold, broken off at the same cursor, has not written yet.
function M.write(stream, maxlen, rejected, cursor_id)
  if #rejected == 0 then
    return
  end
  local there = written_after(cursor_id, stream)
  for _, r in ipairs(rejected) do
    if not there[r.id] then
      redis.call('XADD', stream, 'MAXLEN', '~', maxlen, '*', unpack(arguments_of(r)))
    end
  end
end

-- Returns how many there are of each code, as a flat list of codes and numbers.
function M.count_codes(list)
  local counts, flat = {}, {}
  for _, r in ipairs(list) do counts[r.code] = (counts[r.code] or 0) + 1 end
  for code, n in pairs(counts) do
    flat[#flat + 1], flat[#flat + 2] = code, n
  end
  return flat
end

return M
