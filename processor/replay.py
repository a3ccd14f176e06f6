"""Sends rejects back as new readings: each exactly once, whoever else does and whatever breaks off.

Touches `rejects`, `readings` and `state`. Within a partition one script moves a reading. A
corrected name may belong to another partition, and no script spans two, so there are three steps:

1. claim: in the reject's partition it is taken off the list and kept, under a number higher than
   any before, in a field of `state` that holds one;
2. send: the other partition adds it, unless it has seen that number, or a higher one, from there;
3. clear: the field gives up the reading and keeps the number.

Whoever finds a claim there, of a replay that died or of one at the same time, does steps 2 and 3
before its own. Done again, or late, they change nothing.
"""

from collections.abc import Sequence
from typing import Any, Literal, cast

from processor.rejects import Reject, corrected
from rillet.keys import (
    CURSOR_FIELD,
    REPLAY_FIELD,
    Keys,
    partition_keys,
    partition_of,
    replayed_field,
)
from rillet.settings import Settings

Outcome = Literal["sent", "gone", "unread"]
"""Sent; no longer on the list; or not folded yet, so that the fold would reject it once more."""

# Tells whether a reject may go. The XDEL of nothing is refused where the right is missing, before
# anything is written. A fold that broke off leaves rejects of readings that it has yet to fold:
# those are still on `readings`, after the cursor.
_FATE = """
local function fate(rejects, readings, state, cursor_field, entry, reading)
  redis.call('XDEL', rejects, '0-1')
  if #redis.call('XRANGE', rejects, entry, entry) == 0 then return 'gone' end
  local cursor = redis.call('HGET', state, cursor_field)
  local after = cursor and '(' .. string.match(cursor, '^%S+') or '-'
  if #redis.call('XRANGE', readings, reading, reading) > 0
    and #redis.call('XRANGE', readings, after, reading, 'COUNT', 1) > 0 then
    return 'unread'
  end
end
"""

_MOVE = f"""{_FATE}
local rejects, readings, state = unpack(KEYS)
local cursor_field, entry, reading = unpack(ARGV)
local kept = fate(rejects, readings, state, cursor_field, entry, reading)
if kept then return kept end
redis.call('XADD', readings, '*', unpack(ARGV, 4))
redis.call('XDEL', rejects, entry)
return 'sent'
"""

# Numbers follow the clock, so that they go on growing when the state is lost.
_CLAIM = f"""{_FATE}
local rejects, readings, state = unpack(KEYS)
local cursor_field, entry, reading, claim_field = unpack(ARGV)
local packed = redis.call('HGET', state, claim_field)
local claim = packed and cmsgpack.unpack(packed) or {{ '0' }}
if #claim > 1 then return 'busy' end
local kept = fate(rejects, readings, state, cursor_field, entry, reading)
if kept then return kept end
local now = redis.call('TIME')
local number = math.max(claim[1] + 1, now[1] * 1e6 + now[2])
claim = {{ string.format('%.0f', number), unpack(ARGV, 5) }}
redis.call('HSET', state, claim_field, cmsgpack.pack(claim))
redis.call('XDEL', rejects, entry)
return 'claimed'
"""

_SHOW = """
local packed = redis.call('HGET', KEYS[1], ARGV[1])
return packed and cmsgpack.unpack(packed) or { '0' }
"""

_NUMBER_ONLY = b"\x91"
"""How MessagePack begins a list of one: the number of a claim that is done with."""

_SEND = """
local readings, state = unpack(KEYS)
local field, number = unpack(ARGV)
local seen = redis.call('HGET', state, field) or '0'
if tonumber(seen) >= tonumber(number) then return end
redis.call('HSET', state, field, number)
local reply = redis.pcall('XADD', readings, '*', unpack(ARGV, 3))
if type(reply) == 'table' and reply.err then
  redis.call('HSET', state, field, seen)
  return reply
end
"""

_CLEAR = """
local packed = redis.call('HGET', KEYS[1], ARGV[1])
if packed and cmsgpack.unpack(packed)[1] == ARGV[2] then
  redis.call('HSET', KEYS[1], ARGV[1], cmsgpack.pack({ ARGV[2] }))
end
"""


def send_back(client: Any, settings: Settings, reject: Reject, changes: dict[str, str]) -> Outcome:
    """Send one reading, with its changes, back through the fold; return what became of it."""
    fields = corrected(reject, changes)
    parts, source = partition_keys(settings), reject.keys
    sensor = fields.get(b"sensor", b"").decode(errors="replace")
    target = parts[partition_of(sensor, len(parts))]
    keys = (source.rejects, source.readings, source.state)
    known = (CURSOR_FIELD, reject.entry_id, reject.reading_id)
    flat = [part for pair in fields.items() for part in pair]
    if target == source:
        return _outcome(_run(client, _MOVE, keys, *known, *flat))
    while True:
        said = _run(client, _CLAIM, keys, *known, REPLAY_FIELD, target.prefix, *flat)
        if said in (b"claimed", b"busy"):
            _finish(client, source)
        if said != b"busy":
            return _outcome(said)


def finish_claims(client: Any, settings: Settings) -> None:
    """Send what a replay that died, or one that is at it, has taken off the list."""
    for keys in partition_keys(settings):
        _finish(client, keys)


def claimed(client: Any, settings: Settings) -> int:
    """Return how many readings are off the list and not known to be sent; by reading alone."""
    kept = [client.hget(keys.state, REPLAY_FIELD) for keys in partition_keys(settings)]
    return sum(packed is not None and packed[:1] != _NUMBER_ONLY for packed in kept)


def _claim(client: Any, keys: Keys) -> list[bytes]:
    """Return the claim of a partition: its number, and if there is one its target and fields."""
    found: list[bytes] = _run(client, _SHOW, [keys.state], REPLAY_FIELD)
    return found


def _finish(client: Any, source: Keys) -> None:
    """Do what is left to do of the claim of a partition, if it has one."""
    number, *claim = _claim(client, source)
    if claim:
        target = Keys(claim[0].decode())
        keys = (target.readings, target.state)
        _run(client, _SEND, keys, replayed_field(source), number, *claim[1:])
        _run(client, _CLEAR, [source.state], REPLAY_FIELD, number)


def _run(client: Any, script: str, keys: Sequence[str], *argv: Any) -> Any:
    return client.eval(script, len(keys), *keys, *argv)


def _outcome(said: bytes) -> Outcome:
    return cast("Outcome", "sent" if said == b"claimed" else said.decode())
