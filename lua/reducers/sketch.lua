-- sketch: the quantile sketch of all values of one sensor. Reads its slow record.
--- INCLUDE blocks buckets
--
-- The piece is a list of codes (see buckets) that are not yet in the slow record's sketch. With
-- windows a value is in the sketch of its window until that closes, and only the late are here.
local M = { tag = string.byte('q'), own = true }

local most
local BATCH = 256 -- bytes of codes that are counted at once

function M.setup(options)
  most = options.sketch_buckets
end

function M.begin(record, at)
  return { codes = record and struct.unpack('<Bc0', record, at) or '' }
end

-- Adds packed codes; whole batches go into the slow record, however the codes come in parts.
function M.take(q, codes, s)
  q.codes = q.codes .. codes
  if #q.codes >= BATCH then
    local whole, record = #q.codes - #q.codes % BATCH, slow.of(s)
    record.sketch = buckets.append(record.sketch, string.sub(q.codes, 1, whole), most)
    q.codes = string.sub(q.codes, whole + 1)
  end
end

-- Notes the codes of a run, for windows where there are any: then they are not taken here.
function M.step(q, values, n, run, s)
  run.codes, run.sketch = buckets.codes(values, n), q
  if M.own then M.take(q, run.codes, s) end
end

function M.finish(q, _, f)
  return f, struct.pack('<Bc0', #q.codes, q.codes)
end

return M
