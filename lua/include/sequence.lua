-- sequence: tells repeats, gaps and restarts by a sensor's `seq`. Pure.
--
-- As in IPsec's anti-replay window (RFC 4303, 3.4.3) a sensor keeps the highest seq seen and a
-- bit for each of the 52 up to it: what arrives out of order inside that window is new just once.
-- A seq that is known, or that fell below the window, is a restart of the sensor when its own
-- `ts` is later than every one seen; without a `ts`, when it fell below the window. All else is a
-- duplicate. docs/redis-layout.md says the same to producers.
local M = {}

local WINDOW = 52 -- the bits one double can count without loss
local MOST = 9007199254740991 -- 2^53 - 1; gaps stay a count that every reader can hold
local floor, min = math.floor, math.min

local function begin_at(s, seq)
  s.seq_high, s.seq_low, s.seq_seen = seq, seq, 1
  return true
end

local function restart(s, seq)
  s.restarts = s.restarts + 1
  return begin_at(s, seq)
end

local function ahead(s, seq)
  local step = seq - s.seq_high
  s.gaps = min(s.gaps + (step - 1), MOST)
  s.seq_seen = step >= WINDOW and 1 or (s.seq_seen * 2 ^ step) % 2 ^ WINDOW + 1
  s.seq_high = seq
  return true
end

-- A seq lower than any before belongs to the time before the first one seen.
local function before_first(s, seq)
  s.gaps = min(s.gaps + (s.seq_low - seq - 1), MOST)
  s.seq_low = seq
  local back = s.seq_high - seq
  if back < WINDOW then
    s.seq_seen = s.seq_seen + 2 ^ back
  end
  return true
end

-- Tells whether a reading with this seq is new, and notes it in s (seq_high, seq_low, seq_seen,
-- gaps, restarts). `ts` is the reading's own event time or nil; s.last_ts the latest one so far.
function M.is_new(s, seq, ts)
  if not s.seq_high then
    return begin_at(s, seq)
  end
  if seq > s.seq_high then
    return ahead(s, seq)
  end
  local back = s.seq_high - seq
  local newer = ts and ts > s.last_ts
  if back >= WINDOW then
    if newer or not ts then
      return restart(s, seq)
    end
    return seq < s.seq_low and before_first(s, seq)
  end
  if floor(s.seq_seen / 2 ^ back) % 2 == 1 then
    return newer and restart(s, seq)
  end
  if seq < s.seq_low then
    return before_first(s, seq)
  end
  s.seq_seen = s.seq_seen + 2 ^ back
  s.gaps = s.gaps - 1
  return true
end

return M
