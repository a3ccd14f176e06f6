"""`rillet bench sse`: the relay under many clients, and beside it the floor of this machine."""

import json
import os
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Annotated

import redis
import typer
from rich.table import Table

from bench.frames import fields
from rillet.console import tables
from rillet.embedded import EmbeddedServer, free_port

WARM_S = 2.0
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Run:
    """One row: what `clients` clients saw of one server."""

    server: str
    clients: int
    seconds: float
    frames: int
    p50_ms: float
    p99_ms: float
    cpu_s: float
    client_bytes: float

    @property
    def us_per_frame(self) -> float:
        """CPU microseconds of the server per frame; the same number as seconds per million."""
        return self.cpu_s * 1e6 / max(1, self.frames)


def sse(
    clients: Annotated[list[int] | None, typer.Option(help="Clients; repeatable.")] = None,
    sensors: Annotated[int, typer.Option(min=1, help="Sensors in each frame.")] = 100,
    hz: Annotated[float, typer.Option(min=0.1, help="Changes a second of each.")] = 10.0,
    seconds: Annotated[float, typer.Option(min=1, help="Measured time of each row.")] = 8.0,
) -> None:
    """Measure the SSE relay: frames a second, latency from XADD, CPU and memory per client.

    Beside it, with the same clients and bytes, the floor: a bare asyncio protocol. Everything runs
    on this machine, so the clients' own CPU is in the way of large figures.
    """
    counts = clients or [200, 1000, 5000]
    _allow_open_files(max(counts) + 1000)
    table = Table(title=f"{sensors} sensors in a frame, {hz:g} frames a second and client")
    for name in ("server", "clients", "frames/s", "p50 ms", "p99 ms", "CPU us/frame", "KB/client"):
        table.add_column(name, justify="left" if name == "server" else "right")
    console = tables()
    for n in counts:
        for make in (_floor, _relay):
            with console.status(f"{make.__name__[1:]}, {n} clients"), make(sensors, hz) as server:
                run = _measure(*server, n, seconds)
            late = [make.__name__[1:], f"{n:,}", "does not settle"]
            table.add_row(*(_row(run) if run else late))
    console.print(table)


def _row(run: Run) -> list[str]:
    return [
        run.server,
        f"{run.clients:,}",
        f"{run.frames / run.seconds:,.0f}",
        f"{run.p50_ms:.0f}",
        f"{run.p99_ms:.0f}",
        f"{run.us_per_frame:.1f}",
        f"{run.client_bytes / 1024:.1f}",
    ]


def _measure(server: str, pid: int, port: int, clients: int, seconds: float) -> Run | None:
    resident = _resident_bytes(pid)
    args = ["-m", "bench.listeners", str(port), str(clients), str(WARM_S), str(seconds)]
    with subprocess.Popen(
        [sys.executable, *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as listeners:
        if listeners.stdout is None or listeners.stdin is None:
            raise RuntimeError("the listeners have no pipes")
        if listeners.stdout.readline().strip() != "begin":
            return None
        cpu = _cpu_seconds(pid)
        seen = json.loads(listeners.stdout.readline())
        cpu = _cpu_seconds(pid) - cpu
        grown = _resident_bytes(pid) - resident
        listeners.stdin.close()
        listeners.kill()
    frames, p50, p99 = seen["frames"], seen["p50_ms"], seen["p99_ms"]
    return Run(server, clients, seconds, frames, p50, p99, cpu, grown / clients)


@contextmanager
def _floor(sensors: int, hz: float) -> Iterator[tuple[str, int, int]]:
    port = free_port()
    with _process("-m", "bench.floor", str(port), str(sensors), str(hz)) as process:
        _wait_for_port(port)
        yield "floor", process.pid, port


@contextmanager
def _relay(sensors: int, hz: float) -> Iterator[tuple[str, int, int]]:
    port = free_port()
    with EmbeddedServer() as server:
        limits = {"RILLET_SSE_MAX_PER_ADDRESS": "100000", "RILLET_SSE_HZ": "100"}
        env = {"RILLET_REDIS_URL": server.url, "RILLET_LOG_LEVEL": "warning", **limits}
        with _process("-m", "rillet", "serve", "--port", str(port), **env) as process:
            _wait_for_port(port)
            stop = Event()
            feeder = Thread(target=_feed, args=(server.port, sensors, hz, stop))
            feeder.start()
            try:
                yield "relay", process.pid, port
            finally:
                stop.set()
                feeder.join()


def _feed(port: int, sensors: int, hz: float, stop: Event) -> None:
    """Write what folds would write: every sensor's result, `hz` times a second."""
    number = 0
    with redis.Redis(port=port, protocol=2) as client:
        while not stop.is_set():
            began = time.monotonic()
            number += 1
            with client.pipeline() as pipe:  # MULTI: they come at once, as from one fold
                for sensor in range(sensors):
                    pipe.xadd("results", fields(sensor, number), maxlen=10_000)
                pipe.execute()
            stop.wait(max(0.0, began + 1 / hz - time.monotonic()))


@contextmanager
def _process(*args: str, **env: str) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, *args], env={**os.environ, **env}) as process:
        try:
            yield process
        finally:
            process.kill()


def _wait_for_port(port: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("the server did not start")


def _cpu_seconds(pid: int) -> float:
    parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(parts[11]) + int(parts[12])) / TICKS


def _resident_bytes(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _allow_open_files(wanted: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(wanted, hard)), hard))
