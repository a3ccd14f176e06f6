-- weights: mean and deviation of one sensor's values, weighted by age. Pure.
--- INCLUDE times
--
-- A value weighs 2^(-age/half-life), its age being how much earlier its event time is than the
-- latest so far, so that irregular and late readings weigh right (for a weighted sum of squares
-- kept up to date see West, CACM 22, 1979). Differences below 1e-150 are none: their squares vanish.
local M = { tag = string.byte('e'), before = false }

local half_life_ms

function M.setup(options)
  half_life_ms = options.half_life_ms
end

-- The state: how many values, the latest event time, and as of then the sum of the weights, the
-- mean, and the weighted sum of squared deviations from it.
function M.begin(record, at)
  if not record then
    return { n = 0, ts = -math.huge, weight = 0, mean = 0, squares = 0 }
  end
  local n, ts, weight, mean, squares = struct.unpack('<ddddd', record, at)
  return { n = n, ts = ts, weight = weight, mean = mean, squares = squares }
end

-- Takes in the values; where a rule asks for it, notes in the run, for each, the mean and variance
-- before it, what the values that these are of weigh at its time, and how many there ever were.
function M.step(e, values, n, run)
  times.note(run)
  local at, latest, weight, mean, squares = run.times, e.ts, e.weight, e.mean, e.squares
  local means, variances, weights
  if M.before then means, variances, weights = {}, {}, {} end
  for i = 1, n do
    local v, t, w = values[i], at[i], 1
    if means then means[i], variances[i] = mean, weight > 0 and squares / weight or 0 end
    if t > latest then
      local fade = 2 ^ ((latest - t) / half_life_ms)
      weight, squares, latest = weight * fade, squares * fade, t
    elseif t < latest then
      w = 2 ^ ((t - latest) / half_life_ms)
    end
    if means then weights[i] = weight end
    if v ~= mean then
      local all, d = weight + w, v - mean
      local new, old = w / all, weight / all
      if new < 0.5 then mean = mean + d * new else mean = v - d * old end
      squares = squares + d * d * w * old
    end
    weight = weight + w
  end
  if means then
    run.before = { n = e.n, means = means, variances = variances, weights = weights }
  end
  e.n, e.ts, e.weight, e.mean, e.squares = e.n + n, latest, weight, mean, squares
end

function M.finish(e, fields, f)
  if e.n > 0 then
    fields[f + 1], fields[f + 2] = 'ewm_mean', number.shortest(e.mean)
    fields[f + 3], fields[f + 4] = 'ewm_stddev', number.shortest(math.sqrt(e.squares / e.weight))
    f = f + 4
  end
  return f, struct.pack('<ddddd', e.n, e.ts, e.weight, e.mean, e.squares)
end

return M
