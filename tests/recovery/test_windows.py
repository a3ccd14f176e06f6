"""Real workers, killed while windows close and alerts change: each is written once, and right."""

import random
from contextlib import ExitStack
from typing import Any

import orjson
import redis

from rillet.embedded import EmbeddedServer
from rillet.keys import Keys
from rillet.settings import Settings
from rillet.sizes import Size
from tests.lua.windows_model import Alerts, Reading, Windows
from tests.processes import running
from tests.waiting import until

SETTINGS = {
    "windows": "1s,2s",
    "windows_keep": "10",
    "allowed_lateness_ms": "200",
    "readings_tail": "1000000",
    "fold_max_count": "40",
    "log_level": "error",
}
FOREVER = 10**15
RULES: list[dict[str, Any]] = [
    {"name": "hot", "type": "limit", "high": 26.0, "hysteresis": 2.0},
    {"name": "gone", "type": "silence", "after_ms": 700},
]
KEYS = Keys()


def feed(client: redis.Redis, rnd: random.Random) -> None:
    """Add a few readings of each of five sensors, some of them out of order, some far too late."""
    now = client.time()
    at_ms = now[0] * 1000 + now[1] // 1000
    pipe = client.pipeline(transaction=False)
    for n in range(10):
        late_ms = rnd.choice([0, 0, 0, 30, 150, 2500])
        value = round(rnd.gauss(20, 5), 2)
        pipe.xadd(KEYS.readings, {"sensor": f"s{n % 5}", "value": value, "ts": at_ms - late_ms})
    pipe.execute()


def sent(client: redis.Redis) -> dict[str, list[Reading]]:
    """Return every reading by its sensor, in order, as the stream has them."""
    found: dict[str, list[Reading]] = {}
    for entry, fields in client.xrange(KEYS.readings):
        arrival = int(entry.split(b"-")[0])
        reading = Reading(int(fields[b"ts"]), arrival, float(fields[b"value"]), entry.decode())
        found.setdefault(fields[b"sensor"].decode(), []).append(reading)
    return found


def entries(client: redis.Redis, stream: str, names: tuple[str, ...]) -> dict[str, list[Any]]:
    """Return some fields of each entry of a stream, by sensor."""
    found: dict[str, list[Any]] = {}
    for _, fields in client.xrange(stream):
        texts = {k.decode(): v.decode() for k, v in fields.items()}
        found.setdefault(texts["sensor"], []).append(tuple(texts[name] for name in names))
    return found


def wanted(readings: dict[str, list[Reading]], sizes: tuple[Size, ...]) -> dict[str, Any]:
    """Return what the streams must have once all windows are closed and all sensors silent."""
    found: dict[str, Any] = {size.name: {} for size in sizes} | {"late": {}, "alerts": {}}
    for sensor, mine in readings.items():
        model = Windows(sizes, int(SETTINGS["allowed_lateness_ms"]))
        judges = [Alerts(rule, 1.0) for rule in RULES]
        for reading in mine:
            model.take(reading)
            for judge in judges:
                judge.take(reading)
        model.tick(FOREVER)
        for judge in judges:
            judge.tick(FOREVER)
        for size in sizes:
            starts = model.closed[size.ms]
            found[size.name][sensor] = [
                (str(start), str(len(model.within(start, size.ms)))) for start in starts
            ]
        if model.late:
            found["late"][sensor] = [(r.entry_id,) for r in model.late]
        found["alerts"][sensor] = sorted(
            (judge.rule["name"], state, str(ts))
            for judge in judges
            for state, _, ts, _ in judge.changes
        )
    return found


def written(client: redis.Redis, sizes: tuple[Size, ...]) -> dict[str, Any]:
    """Return the same of what is there."""
    found: dict[str, Any] = {
        size.name: entries(client, KEYS.windows(size.name), ("start", "count")) for size in sizes
    }
    found["late"] = entries(client, KEYS.late, ("id",))
    told = entries(client, KEYS.alerts, ("rule", "state", "ts"))
    found["alerts"] = {sensor: sorted(changes) for sensor, changes in told.items()}
    return found


def test_killed_workers_write_each_window_and_each_change_once(
    server: EmbeddedServer, client: redis.Redis
) -> None:
    """SIGKILL in the midst of it, again and again: streams are what the plain model says."""
    rnd = random.Random(11)
    sizes = Settings(windows="1s,2s", windows_keep="10").window_sizes
    client.set(KEYS.rules, orjson.dumps({"version": 1, "rules": RULES}))
    with ExitStack() as stack:
        for _ in range(4):
            worker = stack.enter_context(running(server, "process", **SETTINGS))
            before = client.xlen(KEYS.windows("1s"))

            def has_closed(then: int = before) -> bool:
                feed(client, rnd)
                return client.xlen(KEYS.windows("1s")) > then

            until(has_closed)
            worker.kill()
        feed(client, rnd)
        stack.enter_context(running(server, "process", **SETTINGS))
        stack.enter_context(running(server, "process", **SETTINGS))
        want = wanted(sent(client), sizes)
        until(lambda: written(client, sizes) == want)
    assert written(client, sizes) == want
    assert not client.hexists(KEYS.state, "\0outbox")
    assert sum(len(one) for one in want["late"].values()) > 0
