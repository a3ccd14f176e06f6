"""The server's CPU time a reading, for storing, folding, and the ways people do it otherwise."""

import math
import random
import statistics
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from processor.fold import fold
from rillet.keys import partition_keys
from rillet.settings import Settings

PIPELINE = 64
BATCH = 100
EVAL_EACH = """
local s = redis.call('HMGET', KEYS[1], 'n', 'mean', 'm2')
local v, n = tonumber(ARGV[2]), (tonumber(s[1]) or 0) + 1
local mean, m2 = tonumber(s[2]) or 0, tonumber(s[3]) or 0
local d = v - mean
mean = mean + d / n
m2 = m2 + d * (v - mean)
local f = function(x) return string.format('%.17g', x) end
local var = m2 / n
redis.call('HSET', KEYS[1], 'n', n, 'mean', f(mean), 'm2', f(m2), 'variance', f(var), 'stddev',
  f(math.sqrt(var)))
redis.call('XADD', KEYS[2], 'MAXLEN', '~', 10000, '*', 'sensor', ARGV[1], 'count', n, 'mean',
  f(mean), 'variance', f(var), 'stddev', f(math.sqrt(var)))
"""
"""One EVALSHA per reading, Welford's way: fewer figures than the fold has, in plain doubles."""


@dataclass(frozen=True, slots=True)
class Cost:
    """One row: microseconds of CPU a reading in the server and in the client, and the rate."""

    name: str
    server_us: float
    client_us: float
    per_second: float


class Bench:
    """Feeds a private server and measures; each row is the median of `repeats` runs."""

    def __init__(self, client: Any, settings: Settings, repeats: int) -> None:
        self.client, self.settings, self.repeats = client, settings, repeats
        self.keys = partition_keys(settings)[0]
        self.random = random.Random(1)

    def cpu_s(self) -> float:
        """Return the CPU seconds of the server so far."""
        info = self.client.info("cpu")
        return float(info["used_cpu_user"] + info["used_cpu_sys"])

    def values(self, n: int) -> list[str]:
        """Return n values as a sensor of temperature sends them."""
        return [f"{self.random.gauss(20, 5):.2f}" for _ in range(n)]

    def feed(self, n: int, sensors: int) -> None:
        """Append n single readings, in pipelines of 64."""
        values = self.values(n)
        for first in range(0, n, PIPELINE):
            pipe = self.client.pipeline(transaction=False)
            for i in range(first, min(first + PIPELINE, n)):
                pipe.execute_command(
                    "XADD", "readings", "*", "sensor", f"s{i % sensors}", "value", values[i]
                )
            pipe.execute()

    def feed_batches(self, n: int, sensors: int, field: str) -> None:
        """Append n readings in entries of 100 each."""
        for i in range(n // BATCH):
            texts = self.values(BATCH)
            packed = struct.pack(f"<{BATCH}d", *map(float, texts))
            batch = ",".join(texts) if field == "values" else packed
            self.client.xadd("readings", {"sensor": f"s{i % sensors}", field: batch})

    def measure(
        self, name: str, n: int, prepare: Callable[[], None], run: Callable[[], None]
    ) -> Cost:
        """Return the median cost of `run`, which handles n readings; `prepare` is not measured."""
        rows = []
        for _ in range(self.repeats):
            self.client.flushall()
            prepare()
            cpu, own, clock = self.cpu_s(), time.process_time(), time.perf_counter()
            run()
            clock, own = time.perf_counter() - clock, time.process_time() - own
            rows.append((self.cpu_s() - cpu, own, clock))
        cpu, own, clock = (statistics.median(column) for column in zip(*rows, strict=True))
        return Cost(name, cpu / n * 1e6, own / n * 1e6, n / clock)

    def fold_all(self, count: int) -> None:
        """Fold what is there, `count` entries at a time."""
        while fold(self.client, self.settings, self.keys, count).backlog:
            pass

    def stored(self, n: int) -> Cost:
        """Measure the limit: storing alone."""
        return self.measure("XADD only", n, lambda: None, lambda: self.feed(n, 100))

    def folded(
        self, n: int, sensors: int, begin: Callable[["Bench"], None] = lambda _: None
    ) -> Cost:
        """Measure the fold of single readings; all sensors have their state already."""
        count = 1000  # of 10,000 sensors each reading in a fold is of another

        def prepare() -> None:
            begin(self)
            self.feed(sensors, sensors)
            self.fold_all(count)
            self.feed(n, sensors)

        name = f"fold, {sensors:,} sensor{'s' * (sensors > 1)}"
        return self.measure(name, n, prepare, lambda: self.fold_all(count))

    def folded_batches(self, n: int, field: str) -> Cost:
        """Measure the fold of batches of 100 at 100 sensors."""
        name = f"fold, 100 sensors, {field} of {BATCH}"
        return self.measure(
            name, n, lambda: self.feed_batches(n, 100, field), lambda: self.fold_all(1000)
        )

    def eval_each(self, n: int) -> Cost:
        """Measure a consumer that reads 64 and sends one EVALSHA a reading, pipelined."""

        def prepare() -> None:
            self.feed(n, 100)
            self.client.xgroup_create("readings", "stats", "0-0")
            self.sha = self.client.script_load(EVAL_EACH)

        def run() -> None:
            while found := self._read():
                pipe = self.client.pipeline(transaction=False)
                for _, fields in found:
                    sensor = fields[b"sensor"]
                    key = b"stats:" + sensor
                    pipe.evalsha(self.sha, 2, key, "results", sensor, fields[b"value"])
                pipe.xack("readings", "stats", *(entry_id for entry_id, _ in found))
                pipe.execute()

        return self.measure("one EVALSHA a reading", n, prepare, run)

    def read_modify_write(self, n: int) -> Cost:
        """Measure a consumer that does HGETALL, computes in Python, HSET, and publishes."""

        def prepare() -> None:
            self.feed(n, 100)
            self.client.xgroup_create("readings", "stats", "0-0")

        def run() -> None:
            while found := self._read():
                for _, fields in found:
                    self._modify(fields)
                self.client.xack("readings", "stats", *(entry_id for entry_id, _ in found))

        return self.measure("read, modify, write", n, prepare, run)

    def _read(self) -> Any:
        found = self.client.xreadgroup("stats", "one", {"readings": ">"}, count=PIPELINE)
        return found[0][1] if found else []

    def _modify(self, fields: dict[bytes, bytes]) -> None:
        sensor, value = fields[b"sensor"].decode(), float(fields[b"value"])
        old = {k: float(v) for k, v in self.client.hgetall(f"stats:{sensor}").items()}
        n, mean = int(old.get(b"n", 0)) + 1, old.get(b"mean", 0.0)
        after = mean + (value - mean) / n
        m2 = old.get(b"m2", 0.0) + (value - mean) * (value - after)
        new = {"n": n, "mean": after, "m2": m2, "stddev": math.sqrt(m2 / n)}
        pipe = self.client.pipeline(transaction=False)
        pipe.hset(f"stats:{sensor}", mapping=new)
        pipe.xadd("results", {"sensor": sensor, **new}, maxlen=10000)
        pipe.execute()

    def bytes_per_sensor(self, sensors: int) -> float:
        """Return the server's memory a sensor once each has sent one reading, streams and all."""
        self.client.flushall()
        empty = self.client.info("memory")["used_memory"]
        self.feed(sensors, sensors)
        self.fold_all(3000)
        return float(self.client.info("memory")["used_memory"] - empty) / sensors
