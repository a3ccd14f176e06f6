"""Time from XADD to the entry in `results`, as a blocked reader of it sees, with a real worker."""

import os
import subprocess
import sys
import time
from threading import Event, Thread
from typing import Any

import redis

from rillet.embedded import EmbeddedServer

TICK_S = 0.005


class Reader(Thread):
    """Notes when each reading's id arrives on `results`."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.seen: dict[bytes, float] = {}
        self.port, self.stop = port, Event()

    def run(self) -> None:
        """Read until told to stop."""
        with redis.Redis(port=self.port, protocol=2) as client:
            after = b"$"
            while not self.stop.is_set():
                found: Any = client.xread({"results": after}, count=1000, block=100)
                now = time.perf_counter()
                for entry_id, fields in found[0][1] if found else ():
                    self.seen.setdefault(fields[b"last_id"], now)
                    after = entry_id


def latencies_ms(server: EmbeddedServer, rate: int, seconds: float) -> list[float]:
    """Return the sorted latencies, in ms, of readings of 1000 sensors at `rate` a second."""
    env = {**os.environ, "RILLET_REDIS_URL": server.url, "RILLET_LOG_LEVEL": "error"}
    worker = subprocess.Popen([sys.executable, "-m", "rillet", "process"], env=env)
    reader = Reader(server.port)
    try:
        with redis.Redis(port=server.port, protocol=2) as client:
            client.flushall()
            _wait_for_worker(client)
            _send(client, rate, min(1.0, seconds))  # the worker finds its pace
            reader.start()
            sent = _send(client, rate, seconds)
            _wait_for_all(reader, sent)
    finally:
        reader.stop.set()
        worker.terminate()
        worker.wait()
    seen = reader.seen
    return sorted((seen[one] - at) * 1000 for one, at in sent.items() if one in seen)


def _wait_for_worker(client: redis.Redis) -> None:
    deadline = time.monotonic() + 20
    while not client.exists("readings") and time.monotonic() < deadline:
        time.sleep(0.05)


def _wait_for_all(reader: Reader, sent: dict[bytes, float]) -> None:
    deadline = time.monotonic() + 5
    while len(reader.seen) < len(sent) and time.monotonic() < deadline:
        time.sleep(0.05)


def _send(client: Any, rate: int, seconds: float) -> dict[bytes, float]:
    """Send at a steady rate, a pipeline every 5 ms; return when each id was sent."""
    sent: dict[bytes, float] = {}
    began, done = time.perf_counter(), 0
    while (now := time.perf_counter() - began) < seconds:
        due = int(now * rate) - done
        pipe = client.pipeline(transaction=False)
        for i in range(done, done + due):
            pipe.execute_command("XADD", "readings", "*", "sensor", f"s{i % 1000}", "value", "20.5")
        at = time.perf_counter()
        sent |= dict.fromkeys(pipe.execute(), at)
        done += due
        time.sleep(max(0.0, TICK_S - (time.perf_counter() - began - now)))
    return sent
