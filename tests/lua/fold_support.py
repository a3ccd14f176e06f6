"""What the tests of the fold share: readings with ids of their own, and all that a fold leaves."""

import struct
from typing import Any

import redis
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from processor.fold import Folded, fold
from processor.record import pieces_of
from rillet.keys import partition_keys
from rillet.settings import Settings

Reading = dict[str, Any]


def examples(number: int) -> hypothesis_settings:
    """Return settings of a property that tries so many examples on one server, which it empties."""
    unchecked = [HealthCheck.function_scoped_fixture]
    return hypothesis_settings(max_examples=number, deadline=None, suppress_health_check=unchecked)


def add(client: redis.Redis, readings: list[Reading], first_ms: int = 1000) -> None:
    """Append readings under the ids first_ms-1, first_ms+1-1 and so on."""
    pipe = client.pipeline(transaction=False)
    for i, reading in enumerate(readings):
        pipe.xadd("readings", reading, id=f"{first_ms + i}-1")
    pipe.execute()


def fold_all(
    client: redis.Redis, settings: Settings, count: int = 1000, now_ms: int | None = None
) -> Folded:
    """Fold until nothing is unread, unpublished or due; return the last fold."""
    keys = partition_keys(settings)[0]
    for _ in range(1000):
        folded = fold(client, settings, keys, count, now_ms)
        if folded.backlog == 0 and folded.entries == 0 and not folded.due_left and not folded.fault:
            return folded
    raise AssertionError("the backlog does not end")


def text(reply: Any) -> Any:
    """Return a reply with every bytes in it decoded."""
    if isinstance(reply, bytes):
        return reply.decode("latin-1")
    if isinstance(reply, dict):
        return {text(k): text(v) for k, v in reply.items()}
    return [text(x) for x in reply] if isinstance(reply, (list, tuple)) else reply


def hashes(client: redis.Redis) -> dict[str, dict[str, str]]:
    """Return the hash of every sensor."""
    keys: Any = sorted(client.keys("stats:*"))
    return {text(key)[6:]: text(client.hgetall(key)) for key in keys}


def rejects(client: redis.Redis) -> list[dict[str, str]]:
    """Return the fields of every entry of `rejects`, oldest first."""
    return [text(fields) for _, fields in client.xrange("rejects")]


def newest_results(client: redis.Redis) -> dict[str, dict[str, str]]:
    """Return the newest entry of each sensor on `results`, without its field `sensor`."""
    entries = [text(fields) for _, fields in client.xrange("results")]
    newest = {fields.pop("sensor"): fields for fields in entries}
    return {sensor: fields for sensor, fields in newest.items() if "forgotten" not in fields}


def by_sensor(client: redis.Redis, pattern: str) -> dict[str, list[Any]]:
    """Return the entries of all streams of that name, by stream and sensor, oldest first."""
    found: dict[str, list[Any]] = {}
    for key in sorted(text(client.keys(pattern))):
        for _, fields in client.xrange(key):
            entry = text(fields)
            found.setdefault(f"{key} {entry.pop('sensor')}", []).append(entry)
    return found


def records(client: redis.Redis) -> dict[str, Any]:
    """Return what `state` holds, but for what is not the same after each way to fold.

    That is the score that `due` is known to have: it may be too early, but never too late.
    """
    found = {}
    for field, record in client.hgetall("state").items():
        if field.startswith(b"\0"):
            found[text(field)] = text(record)
            continue
        pieces = pieces_of(record)
        known = pieces.pop("d", None)
        if known:
            score = client.zscore("due", field)
            assert known == struct.pack("<d", float("inf") if score is None else score)
        found[text(field)] = text(list(pieces.items()))
    found.pop("\0swept", None)
    return found


def leavings(client: redis.Redis) -> dict[str, Any]:
    """Return all that a fold leaves and that a fault must not change."""
    groups: Any = client.xinfo_groups("readings") if client.exists("readings") else []
    found = hashes(client)
    assert newest_results(client) == found
    return {
        "hashes": found,
        "state": records(client),
        "windows": by_sensor(client, "windows:*"),
        "panes": {text(k): text(client.lrange(k, 0, -1)) for k in sorted(client.keys("panes:*"))},
        "late": by_sensor(client, "late"),
        "alerts": by_sensor(client, "alerts"),
        "firing": text(client.hgetall("firing")),
        "rejects": rejects(client),
        "groups": [
            text([g["name"], g["pending"], g["last-delivered-id"], g["entries-read"], g["lag"]])
            for g in groups
        ],
    }
