"""What the soak saw, as tables. Pure."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table

from bench.slope import Fit, fit

STREAMS = ("readings", "results", "rejects", "windows:1s", "windows:2s", "late")


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at the run, after `readings`: sizes in bytes, lengths in entries."""

    readings: int
    worker_rss: int
    server_rss: int
    used_memory: int
    lengths: tuple[int, ...]
    latency_ms: float


def fits(samples: Sequence[Sample]) -> dict[str, Fit]:
    """Return how each size of memory grows with the readings."""
    sent = [one.readings for one in samples]
    return {
        "worker, resident": fit(sent, [one.worker_rss for one in samples]),
        "server, resident": fit(sent, [one.server_rss for one in samples]),
        "server, used_memory": fit(sent, [one.used_memory for one in samples]),
    }


def memory_table(growth: dict[str, Fit]) -> Table:
    """Return each size of memory, and whether it is flat."""
    table = Table(title="memory after the first fifth, MiB", title_justify="left")
    table.add_column("")
    for heading in ("lowest", "highest", "slope, bytes per million readings", ""):
        table.add_column(heading, justify="right")
    for name, one in growth.items():
        sizes = [f"{size / 2**20:.2f}" for size in (one.low, one.high)]
        slope = f"{one.per_million:+,.0f} ± {one.error:,.0f}"
        table.add_row(name, *sizes, slope, "flat" if one.flat else "[red]grows[/]")
    return table


def lengths_table(samples: Sequence[Sample]) -> Table:
    """Return how long each stream became in each half of the run."""
    table = Table(title="streams, entries", title_justify="left")
    table.add_column("")
    for heading in ("first half, longest", "second half, longest"):
        table.add_column(heading, justify="right")
    half = len(samples) // 2
    for at, name in enumerate(STREAMS):
        parts = (samples[:half], samples[half:])
        table.add_row(name, *(f"{max(one.lengths[at] for one in part):,}" for part in parts))
    return table


def latency_table(samples: Sequence[Sample]) -> Table:
    """Return the latencies of each quarter of the run."""
    table = Table(title="latency behind the backlog, ms", title_justify="left")
    for heading in ("quarter", "median", "highest"):
        table.add_column(heading, justify="right")
    size = len(samples) // 4
    for quarter in range(4):
        found = [one.latency_ms for one in samples[quarter * size : (quarter + 1) * size]]
        row = (f"{quarter + 1}", f"{statistics.median(found):.1f}", f"{max(found):.1f}")
        table.add_row(*row)
    return table
