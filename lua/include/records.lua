-- records: reads the records of many sensors out of the hash `state`.
local M = {}

-- Returns a list of the records of these sensors, in their order, false where there is none.
function M.load(state, names)
  local records = {}
  for first, last in chunks.of(names, 1000) do
    local reply = redis.call('HMGET', state, unpack(names, first, last))
    for i = 1, #reply do
      records[#records + 1] = reply[i]
    end
  end
  return records
end

return M
