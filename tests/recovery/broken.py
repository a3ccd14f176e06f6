"""Deliberately broken builds: a copy of what a worker runs, with one promise taken out of it.

Each is a way in which stream processors are really written. What is changed is appended to a file,
so that it holds however the file itself is written.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("rillet", "processor", "lua")


@dataclass(frozen=True)
class Broken:
    """What is wrong, and what goes at the end of which file; Lua's comes before `return M`."""

    says: str
    file: str
    code: str


def make_build(folder: Path, broken: Broken | None) -> Path:
    """Copy the worker's code into the folder and break it; return the folder."""
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    if broken:
        path = folder / broken.file
        text = path.read_text()
        if path.suffix == ".lua":
            body, end, rest = text.rpartition("return M")
            assert end
            assert not rest.strip()
            path.write_text(f"{body}{broken.code}\nreturn M\n")
        else:
            path.write_text(f"{text}\n\n{broken.code}\n")
    return folder


PYTHON = """
import time
import redis
_atomic = fold
"""

COMMIT_LATER = Broken(
    "a batch is committed when the next one is asked for, as consumers of Kafka do by themselves",
    "processor/fold.py",
    PYTHON
    + """
_done = {}
def fold(client, settings, keys, count=1000, **limits):
    if keys in _done:
        client.hset(keys.state, "\\0cursor", _done.pop(keys))
    before = client.hget(keys.state, "\\0cursor")
    folded = _atomic(client, settings, keys, count, **limits)
    if folded.entries and before:
        _done[keys] = client.hget(keys.state, "\\0cursor")
        client.hset(keys.state, "\\0cursor", before)
        time.sleep(0.3)
    return folded
""",
)

CURSOR_BEFORE = Broken(
    "the readings are marked as read first, as XREADGROUP with NOACK does, and folded then",
    "processor/fold.py",
    PYTHON
    + """
def fold(client, settings, keys, count=1000, **limits):
    before = client.hget(keys.state, "\\0cursor")
    found = client.xrange(keys.readings, count=1) and before and client.xrange(
        keys.readings, b"(" + before.split()[0], "+", count)
    if not found:
        return _atomic(client, settings, keys, count, **limits)
    after = found[-1][0] + b" %d" % (int(before.split()[1]) + len(found))
    client.hset(keys.state, "\\0cursor", after)
    time.sleep(0.2)
    client.hset(keys.state, "\\0cursor", before)
    return _atomic(client, settings, keys, len(found), **limits)
""",
)

LEASE = Broken(
    "a worker folds from the cursor it knows, under a lock that runs out when it is stopped",
    "processor/fold.py",
    PYTHON
    + """
def fold(client, settings, keys, count=1000, **limits):
    while not client.set("lease", "mine", nx=True, px=400):
        time.sleep(0.01)
    known = client.hget(keys.state, "\\0cursor")
    time.sleep(0.2)
    if known:
        client.hset(keys.state, "\\0cursor", known)
    folded = _atomic(client, settings, keys, count, **limits)
    client.delete("lease")
    return folded
""",
)

NO_RELOAD = Broken(
    "a script that the server has forgotten is not sent again",
    "processor/scripts.py",
    """
_known = set()
def _run(self, client, named):
    arguments = self.arguments(named)
    if self.sha not in _known:
        client.script_load(self.text)
        _known.add(self.sha)
    return self.result(client.execute_command("EVALSHA", self.sha, *arguments))
Script.run = _run
""",
)

REDO = (
    PYTHON
    + """
_known = {}
def _redo(client, keys):
    if keys in _known:
        client.hset(keys.state, "\\0cursor", _known[keys])
def _note(client, keys):
    _known[keys] = client.hget(keys.state, "\\0cursor")
"""
)

UNCONFIRMED = Broken(
    "a fold whose confirmation is lost is taken for one that did not happen, and is done again",
    "processor/fold.py",
    REDO
    + """
def fold(client, settings, keys, count=1000, **limits):
    if "again" in _known:
        _redo(client, keys)
        del _known["again"]
    folded = _atomic(client, settings, keys, count, **limits)
    try:
        time.sleep(0.2)
        client.ping()
    except redis.RedisError:
        _known["again"] = True
        raise
    _note(client, keys)
    return folded
""",
)

IMPATIENT = Broken(
    "a fold that took longer than 250 ms is taken for one that failed, and is done again",
    "processor/fold.py",
    REDO
    + """
def fold(client, settings, keys, count=1000, **limits):
    began = time.monotonic()
    folded = _atomic(client, settings, keys, count, **limits)
    if time.monotonic() - began > 0.25:
        _redo(client, keys)
    else:
        _note(client, keys)
    return folded
""",
)

NO_SEQ = Broken(
    "repeats are not looked for",
    "lua/include/sequence.lua",
    "M.is_new = function(s, seq) s.seq_high = seq s.seq_low = seq s.seq_seen = 1 return true end",
)

TRIMS_UNREAD = Broken(
    "the stream is trimmed to a length, read or not",
    "lua/include/trim.lua",
    "M.trim = function(_, readings) redis.call('XTRIM', readings, 'MAXLEN', 20) end",
)

ROUNDS = Broken(
    "the sums are kept in plain doubles",
    "lua/reducers/moments.lua",
    "local exactly = M.step\nM.step = function(m, values, n, run)\n"
    "  exactly(m, values, n, run)\n  m.b1, m.rest1 = 0, nil\nend",
)

NO_WEIGHTS = Broken(
    "the weighted mean and deviation are any number",
    "lua/reducers/weights.lua",
    "local rightly = M.finish\nM.finish = function(e, fields, f)\n"
    "  local last, piece = rightly(e, fields, f)\n"
    "  for i = f + 2, last, 2 do fields[i] = '12345' end\n  return last, piece\nend",
)

NO_SKETCH = Broken(
    "the sketches count nothing",
    "lua/reducers/sketch.lua",
    "M.step = function() end",
)

SKETCH_LOSES = Broken(
    "the sketch of what is in closed windows is not kept",
    "lua/include/slow.lua",
    "local whole = M.pack\nM.pack = function(one) one.sketch = '' return whole(one) end",
)

_WINDOW_FIELDS = """
local rightly = M.fields
M.fields = function(...)
  local fields = rightly(...)
  for i = 1, #fields, 2 do
    if fields[i] == '%s' then fields[i + 1] = '777' end
  end
  return fields
end"""

WINDOWS_LIE = {
    name: Broken(f"{name} of a window is any number", "lua/include/pane.lua", _WINDOW_FIELDS % name)
    for name in ("first", "last", "p50", "p99")
}

LATE_UNTOLD = Broken(
    "what is late is counted, and not noted",
    "lua/include/outbox.lua",
    "local any = M.entry\nM.entry = function(what, ...)\n"
    "  if what ~= 'late' then return any(what, ...) end\n"
    "  M.counts.late = M.counts.late + 1\nend",
)

KEEPS_NO_WINDOW = Broken(
    "closed windows are told, and not kept",
    "lua/include/outbox.lua",
    "M.element = function() end",
)

FIRES_ON = Broken(
    "an alert that is resolved stays in `firing`",
    "lua/include/outbox.lua",
    "local any = M.field\nM.field = function(key, name, json)\n"
    "  if json then any(key, name, json) end\nend",
)

NO_TRIM = Broken(
    "nothing is ever trimmed",
    "lua/include/trim.lua",
    "M.trim = function() end",
)

TELLS_TWICE = Broken(
    "a closed window, and a change of an alert, are told again",
    "lua/include/outbox.lua",
    "local once = M.entry\nM.entry = function(...) once(...) once(...) end",
)
