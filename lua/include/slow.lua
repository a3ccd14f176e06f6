-- slow: a sensor's second record, for what changes once a window and not once a fold. Reads `state`.
--
-- It lies in the field `\0slow:<sensor>` and is written by the HSET that commits the fold. Four
-- pieces: the sketch of all values that are in no open window of the finest size; the open windows
-- of the larger sizes, as a list { size in ms, start, body }; and, packed, what coverage and origins
-- know.
local M = { PREFIX = '\0slow:', body_of = function(one) return one.body end }

local OPEN, SKETCH, COVER, ORIGINS = string.byte('wqho', 1, 4)
local pack, unpack_struct, sub = struct.pack, struct.unpack, string.sub
local hash

-- Says where records are.
function M.setup(state)
  hash = state
end

local function unpack_open(piece)
  local list, at = {}, 1
  while at <= #piece do
    local one = {}
    one.size, one.start, one.body, at = unpack_struct('<ddHc0', piece, at)
    list[#list + 1] = one
  end
  return list
end

local function unpack_record(record)
  local slow, at = { sketch = '', open = {}, cover = '', origins = '' }, 1
  while at <= #record do
    local tag, size
    tag, size, at = unpack_struct('<BI4', record, at)
    local piece = sub(record, at, at + size - 1)
    at = at + size
    if tag == OPEN then slow.open = unpack_open(piece) end
    if tag == SKETCH then slow.sketch = piece end
    if tag == COVER then slow.cover = piece end
    if tag == ORIGINS then slow.origins = piece end
  end
  return slow
end

-- Returns the slow record of a sensor's state, to be changed: it is written with the state.
function M.of(s)
  if not s.slow then
    s.slow = unpack_record(redis.call('HGET', hash, M.PREFIX .. s.name) or '')
  end
  return s.slow
end

-- Returns a piece that is only there where it says something.
local function rare(tag, piece)
  return piece == '' and '' or pack('<BI4', tag, #piece) .. piece
end

-- Returns the packed record.
function M.pack(slow)
  local open = {}
  for i, one in ipairs(slow.open) do
    local body = M.body_of(one)
    open[i] = pack('<ddHc0', one.size, one.start, #body, body)
  end
  open = table.concat(open)
  return pack('<BI4', SKETCH, #slow.sketch) .. slow.sketch .. pack('<BI4', OPEN, #open) .. open
    .. rare(COVER, slow.cover) .. rare(ORIGINS, slow.origins)
end

return M
