"""`rillet bench soak`: millions of readings at full speed; what grows, and whether all is exact."""

import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import redis
import typer
from rich.console import Console
from rich.progress import Progress

from bench.load import BLOCK, MIX, Load
from bench.soak_tables import STREAMS, Sample, fits, latency_table, lengths_table, memory_table
from rillet.console import tables
from rillet.embedded import EmbeddedServer
from rillet.environment import environment_with
from rillet.errors import UserError
from verify.agreement import compare

PIPELINE = 100
"""Blocks in one round trip."""

HOLD_BACK = 1000
"""Entries that may wait to be folded; then the sender waits."""

SAMPLES = 400

KEPT = 3
"""Closed windows of a sensor that are kept, of each size."""

FILL_S = 120
"""What is bounded must be full after so many seconds."""

STALL_S = 60
"""A worker that folds nothing for so long folds nothing any more."""


def soak(
    *,
    readings: Annotated[int, typer.Option(min=100_000, help="How many.")] = 50_000_000,
    sensors: Annotated[int, typer.Option(min=1, help="Of how many sensors.")] = 100,
    server: Annotated[str, typer.Option(help="Path of the server binary.")] = "",
) -> None:
    """Send millions of readings at full speed to one worker: memory, streams, latency, exactness.

    A private server without persistence; everything is folded that is by default, but with
    windows of 1 s and 2 s, of which 3 are kept. Of the readings 85 % come in `packed` of 100,
    10 % in `values` of 100, 5 % singly. They are counted, and memory is looked at, once the
    streams of windows are full. Exit status: 0 memory flat and every figure exact, else 1.
    """
    load = Load(sensors)
    with (
        EmbeddedServer(binary=server or None) as own,
        _worker(own, _short_windows(sensors)) as worker,
        redis.Redis(port=own.port, protocol=2) as client,
    ):
        run = Run(client, load, worker, own.pid)
        run.fill(("windows:1s", "windows:2s"), KEPT * sensors)
        load.by_field.clear()
        began = time.perf_counter()
        samples = run.send(readings)
        seconds = time.perf_counter() - began
        wrong = run.wrong_fields()
    console = tables()
    console.print(f"{readings:,} readings in {seconds:.0f} s: {readings / seconds:,.0f} a second")
    console.print(", ".join(f"{load.by_field[field]:,} in {field}" for field in MIX))
    growth = fits(samples)
    for table in (memory_table(growth), lengths_table(samples), latency_table(samples)):
        console.print(table)
    fields = sum(len(want) for want in load.figures().values())
    console.print(f"{fields - len(wrong):,} of {fields:,} fields of {sensors} sensors exact")
    for one in wrong[:20]:
        console.print(f"[red]wrong:[/] {one}")
    raise typer.Exit(0 if not wrong and all(one.flat for one in growth.values()) else 1)


def _short_windows(sensors: int) -> dict[str, str]:
    """Return settings of few and short windows, so that what is kept is soon all there."""
    return {
        "windows": "1s,2s",
        "windows_keep": str(KEPT),
        "windows_maxlen": str(KEPT * sensors),
        "allowed_lateness_ms": "1000",
    }


@contextmanager
def _worker(server: EmbeddedServer, windows: dict[str, str]) -> "Iterator[subprocess.Popen[bytes]]":
    """Run a worker with these settings, and no others of the environment."""
    env = environment_with(redis_url=server.url, log_level="error", **windows)
    with subprocess.Popen([sys.executable, "-m", "rillet", "process"], env=env) as process:
        try:
            yield process
        finally:
            process.terminate()


class Run:
    """Sends, holds back, and samples on the way."""

    def __init__(
        self, client: Any, load: Load, worker: "subprocess.Popen[bytes]", server_pid: int
    ) -> None:
        self.client, self.load = client, load
        self.worker, self.server_pid = worker, server_pid
        self.blocks = load.entries()
        self.probes = 0

    def fill(self, streams: Sequence[str], entries: int) -> None:
        """Send until each of the streams has had so many entries: before, memory must grow."""
        until = time.monotonic() + FILL_S
        with Console(stderr=True).status("filling what is bounded"):
            while any(self.client.xlen(stream) < entries for stream in streams):
                self._send(islice(self.blocks, PIPELINE))
                if time.monotonic() > until:
                    raise UserError(f"{' and '.join(streams)} are not full after {FILL_S} s.")

    def send(self, readings: int) -> list[Sample]:
        """Send so many readings, and wait until they are folded; return the samples."""
        samples: list[Sample] = []
        sent = 0
        with Progress(console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("readings", total=readings)
            while sent < readings:
                some = min(PIPELINE, -(-(readings - sent) // BLOCK))
                self._send(islice(self.blocks, some))
                sent += some * BLOCK
                progress.update(task, completed=sent)
                if sent * SAMPLES >= readings * (len(samples) + 1):
                    samples.append(self._sample(sent))
        self._hold_back(0)
        return samples

    def _send(self, blocks: Any) -> None:
        pipe = self.client.pipeline(transaction=False)
        for entries in blocks:
            for fields in entries:
                pipe.xadd("readings", fields)
        pipe.execute()
        self._hold_back(HOLD_BACK)

    def _hold_back(self, most: int) -> None:
        self._wait_for(self._lag, most, 0.001)

    def _wait_for(self, what: Callable[[], int], most: int, pause_s: float) -> None:
        """Wait until it is that low; UserError if the worker ends, or if it does not change."""
        seen, since = what(), time.monotonic()
        while seen > most:
            time.sleep(pause_s)
            before, seen = seen, what()
            if seen != before:
                since = time.monotonic()
            if (status := self.worker.poll()) is not None:
                raise UserError(f"The worker ended with status {status}; its lines are above.")
            if time.monotonic() > since + STALL_S:
                raise UserError(f"The worker has folded nothing for {STALL_S} s.")

    def _lag(self) -> int:
        groups = self.client.xinfo_groups("readings")
        lag = groups[0]["lag"] if groups else None
        return int(self.client.xlen("readings") if lag is None else lag)

    def _sample(self, sent: int) -> Sample:
        lengths = tuple(self.client.xlen(stream) for stream in STREAMS)
        latency_ms = self._probe()
        return Sample(
            sent,
            resident_bytes(self.worker.pid),
            resident_bytes(self.server_pid),
            self.client.info("memory")["used_memory"],
            lengths,
            latency_ms,
        )

    def _probe(self) -> float:
        """Return how long one more reading takes to be shown, behind all that waits."""
        self.probes += 1
        began = time.perf_counter()
        self.client.xadd("readings", {"sensor": "probe", "value": self.probes})
        self._wait_for(self._unseen, 0, 0.0005)
        return (time.perf_counter() - began) * 1000

    def _unseen(self) -> int:
        """Return how many of those readings are not shown yet."""
        return self.probes - int(self.client.hget("stats:probe", "count") or 0)

    def wrong_fields(self) -> list[str]:
        """Compare every hash with the exact account; return what is not the same."""
        wrong = []
        for name, want in self.load.figures().items():
            raw = self.client.hgetall(f"stats:{name}")
            shown = {k.decode(): v.decode() for k, v in raw.items()}
            wrong += [
                f"{name} {one.field}: {one.shown}, exactly {one.wanted}"
                for one in compare(shown, want)
                if not one.exact
            ]
        return wrong


def resident_bytes(pid: int) -> int:
    """Return the resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize()
