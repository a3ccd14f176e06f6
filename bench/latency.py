"""Time from XADD to the entry in `results`, as a blocked reader of it sees, with a real worker."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from threading import Event, Thread
from typing import Any, NamedTuple

import redis

from rillet.embedded import EmbeddedServer

TICK_S = 0.005


class Sent(NamedTuple):
    """A reading: its sensor, and when it was sent, in seconds of the performance counter."""

    sensor: bytes
    at: float


Seen = Mapping[bytes, Sequence[tuple[bytes, float]]]
"""By sensor, the `last_id` of each of its results in order, and when it arrived."""


class Reader(Thread):
    """Notes when each result of each sensor arrives on `results`, from now on."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.seen: dict[bytes, list[tuple[bytes, float]]] = {}
        self.port, self.stop = port, Event()
        with redis.Redis(port=port, protocol=2) as client:
            newest: Any = client.xrevrange("results", count=1)
        self.after = newest[0][0] if newest else b"0-0"

    def run(self) -> None:
        """Read until told to stop."""
        with redis.Redis(port=self.port, protocol=2) as client:
            after = self.after
            while not self.stop.is_set():
                found: Any = client.xread({"results": after}, count=1000, block=100)
                now = time.perf_counter()
                for entry_id, fields in found[0][1] if found else ():
                    self.seen.setdefault(fields[b"sensor"], []).append((fields[b"last_id"], now))
                    after = entry_id


def arrivals(sent: Mapping[bytes, Sent], seen: Seen) -> dict[bytes, float]:
    """Return when each reading's effect was seen: with its sensor's first result that covers it.

    A fold writes one result a sensor, so most of its readings are not the last that one names; to
    leave those out would drop just the ones that waited longest.
    """
    arrived, at = {}, dict.fromkeys(seen, 0)
    for one, (sensor, _) in sorted(sent.items(), key=lambda item: _numbers(item[0])):
        results = seen.get(sensor, ())
        while at.get(sensor, 0) < len(results):
            last_id, when = results[at[sensor]]
            if _numbers(last_id) >= _numbers(one):
                arrived[one] = when
                break
            at[sensor] += 1
    return arrived


def _numbers(entry_id: bytes) -> tuple[int, ...]:
    return tuple(map(int, entry_id.split(b"-")))


def latencies_ms(server: EmbeddedServer, rate: int, seconds: float) -> tuple[list[float], int]:
    """Send readings of 1000 sensors at `rate` a second.

    Return the sorted latencies, in ms, of those that arrived, and how many were sent.
    """
    env = {**os.environ, "RILLET_REDIS_URL": server.url, "RILLET_LOG_LEVEL": "error"}
    worker = subprocess.Popen([sys.executable, "-m", "rillet", "process"], env=env)
    reader = None
    try:
        with redis.Redis(port=server.port, protocol=2) as client:
            client.flushall()
            _wait_for_worker(client)
            _send(client, rate, min(1.0, seconds))  # the worker finds its pace
            reader = Reader(server.port)
            reader.start()
            sent = _send(client, rate, seconds)
            _wait_for_last(reader, sent)
    finally:
        if reader:
            reader.stop.set()
        worker.terminate()
        worker.wait()
    arrived = arrivals(sent, reader.seen)
    return sorted((at - sent[one].at) * 1000 for one, at in arrived.items()), len(sent)


def _wait_for_worker(client: redis.Redis) -> None:
    deadline = time.monotonic() + 20
    while not client.exists("readings") and time.monotonic() < deadline:
        time.sleep(0.05)


def _wait_for_last(reader: Reader, sent: dict[bytes, Sent]) -> None:
    """Wait until each sensor's last reading has a result, so that all before it have one too."""
    last = {sensor: one for one, (sensor, _) in sent.items()}
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and last:
        newest = {sensor: results[-1][0] for sensor, results in reader.seen.copy().items()}
        last = {s: one for s, one in last.items() if newest.get(s) != one}
        time.sleep(0.05)


def _send(client: Any, rate: int, seconds: float) -> dict[bytes, Sent]:
    """Send at a steady rate, a pipeline every 5 ms; return what was sent by its id, in order."""
    sent: dict[bytes, Sent] = {}
    began, done = time.perf_counter(), 0
    while (now := time.perf_counter() - began) < seconds:
        due = int(now * rate) - done
        pipe = client.pipeline(transaction=False)
        sensors = [b"s%d" % (i % 1000) for i in range(done, done + due)]
        for sensor in sensors:
            pipe.execute_command("XADD", "readings", "*", "sensor", sensor, "value", "20.5")
        at = time.perf_counter()
        sent |= {one: Sent(s, at) for one, s in zip(pipe.execute(), sensors, strict=True)}
        done += due
        time.sleep(max(0.0, TICK_S - (time.perf_counter() - began - now)))
    return sent
