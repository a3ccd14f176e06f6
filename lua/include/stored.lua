-- stored: the closed windows that are kept of one sensor. Reads `panes:<size>:<sensor>`.
local M = {}

local sizes, prefix
local both, without, either, NONE = spans.both, spans.without, spans.either, spans.NONE
local MOST = 2000 -- of one size that are looked at

function M.setup(options, names)
  sizes, prefix = options.sizes, names.panes_prefix
end

local function start_of(bytes)
  return struct.unpack('<d', bytes, 4)
end

-- Returns the newest kept windows of a size, packed, oldest first. Those that wait in the outbox are
-- among them, but once: one may be written already; and not those they will displace.
local function newest(s, size, most)
  local key = prefix .. size.name .. ':' .. s.name
  local all = redis.call('LRANGE', key, string.format('%.0f', -most), -1)
  local last = #all > 0 and start_of(all[#all]) or -math.huge
  for _, bytes in ipairs(outbox.waiting(key)) do
    if start_of(bytes) > last then all[#all + 1] = bytes end
  end
  return { unpack(all, math.max(1, #all - most + 1)) }
end

-- Returns the kept windows of a size in [from, to), oldest first, and where the first one of all that
-- were looked at begins.
local function within(s, size, from, to)
  local found, oldest = {}, math.huge
  for i, bytes in ipairs(newest(s, size, math.min(size.keep, MOST, (to - from) / size.ms + 1))) do
    local start = start_of(bytes)
    if i == 1 then oldest = start end
    if start >= from and start + size.ms <= to then found[#found + 1] = pane.stored(bytes, size.ms) end
  end
  return found, oldest
end

-- Returns the kept windows finer than sizes[level] that make up what is lacking in [from, to), the
-- largest first; what is lacking still; and of the rest what these have not seen (see origins). Where
-- a size was there all the time, and is kept, there were no readings but those in its windows.
function M.gather(s, level, from, to, lacking)
  local found, rest, unseen = {}, lacking, NONE
  for i = level - 1, 1, -1 do
    if #rest == 0 then break end
    local size, used, doubt = sizes[i], {}, coverage.of(s, sizes[i].ms)
    local panes, oldest = within(s, size, from, to)
    for _, p in ipairs(panes) do
      local has = without({ p.start, p.start + size.ms }, p.lacking)
      local wanted = #both(has, rest) > 0
      if wanted and #without(has, rest) == 0 then
        found[#found + 1], unseen = p, either(unseen, p.unseen)
        for _, moment in ipairs(has) do used[#used + 1] = moment end
      elseif wanted then
        doubt = either(doubt, has)
      end
    end
    local still = both(without(rest, used), either(doubt, { -math.huge, oldest }))
    unseen = either(unseen, both(without(rest, still), origins.unseen(s, size.ms, from, to)))
    rest = still
  end
  return found, rest, unseen
end

return M
