"""What the tests of the fold share: readings with ids of their own, and all that a fold leaves."""

from typing import Any

import redis

from processor.fold import Folded, fold
from rillet.keys import partition_keys
from rillet.settings import Settings

Reading = dict[str, Any]


def add(client: redis.Redis, readings: list[Reading], first_ms: int = 1000) -> None:
    """Append readings under the ids first_ms-1, first_ms+1-1 and so on."""
    pipe = client.pipeline(transaction=False)
    for i, reading in enumerate(readings):
        pipe.xadd("readings", reading, id=f"{first_ms + i}-1")
    pipe.execute()


def fold_all(client: redis.Redis, settings: Settings, count: int = 1000) -> Folded:
    """Fold until nothing is unread and nothing unpublished; return the last fold."""
    keys = partition_keys(settings)[0]
    for _ in range(1000):
        folded = fold(client, settings, keys, count)
        if folded.backlog == 0 and folded.entries == 0 and not folded.fault:
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
    return {fields.pop("sensor"): fields for fields in entries}


def leavings(client: redis.Redis) -> dict[str, Any]:
    """Return all that a fold leaves and that a fault must not change."""
    groups: Any = client.xinfo_groups("readings") if client.exists("readings") else []
    found = hashes(client)
    assert newest_results(client) == found
    return {
        "hashes": found,
        "state": text(client.hgetall("state")),
        "rejects": rejects(client),
        "groups": [
            text([g["name"], g["pending"], g["last-delivered-id"], g["entries-read"], g["lag"]])
            for g in groups
        ],
    }
