"""`rillet bench fold`: what the fold costs, beside storing alone and the ways people do it else."""

from typing import TYPE_CHECKING, Annotated

import redis
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench.cost import Bench, Cost
from bench.features import as_text, measure_features, measure_kept, plain
from bench.latency import latencies_ms
from bench.parts import Part, measure_parts
from rillet.console import tables
from rillet.embedded import EmbeddedServer
from rillet.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable


def fold(
    *,
    quick: Annotated[bool, typer.Option(help="A smoke test: few readings, one run.")] = False,
    server: Annotated[str, typer.Option(help="Path of the server binary.")] = "",
) -> None:
    """Measure the fold: the server's CPU a reading, beside XADD alone; latency; memory.

    All in one run on one private server; each cost is the median of three runs. The ratio is to
    the XADDs of the same run.
    """
    with (
        EmbeddedServer(binary=server or None) as own,
        redis.Redis(port=own.port, protocol=2) as client,
    ):
        info = client.info("server")
        name = f"valkey {info['valkey_version']}" if "valkey_version" in info else "redis"
        settings = Settings(redis_url=own.url)
        bench = Bench(client, plain(settings), 1 if quick else 3)
        console = tables()
        console.print(_costs(f"{name} (redis {info['redis_version']})", _measure(bench, quick)))
        console.print(_parts(measure_parts(bench, 2_000 if quick else 50_000, 10_000)))
        rows = measure_features(bench, 2_000 if quick else 100_000)
        console.print(_costs("100 busy sensors, beside the plain fold", rows, "x plain"))
        console.print(_latency(own, quick))
        sensors = 2_000 if quick else 100_000
        memory = bench.bytes_per_sensor(sensors)
        console.print(f"memory: {memory:.0f} bytes a sensor at {sensors:,}, streams and all")
        bench.settings = settings
        console.print(as_text(measure_kept(bench, 2_000 if quick else 100_000)))


def _measure(bench: Bench, quick: bool) -> list[Cost]:
    """Return all rows, the limit first."""
    n = 2_000 if quick else 100_000
    rows: list[Callable[[], Cost]] = [
        lambda: bench.stored(n),
        lambda: bench.folded(n, 1),
        lambda: bench.folded(n, 100),
        lambda: bench.folded(n, 10_000),
        lambda: bench.folded_batches(n * 5, "values"),
        lambda: bench.folded_batches(n * 5, "packed"),
        lambda: bench.eval_each(n // 2),
        lambda: bench.read_modify_write(n // 10),
    ]
    return [row() for row in track(rows, "Measuring", console=Console(stderr=True))]


def _costs(where: str, rows: list[Cost], beside: str = "x XADD") -> Table:
    table = Table(title=f"CPU a reading, {where}", title_justify="left")
    table.add_column("", no_wrap=True)
    for heading in ("server us", beside, "client us", "readings/s"):
        table.add_column(heading, justify="right", min_width=len(heading))
    for row in rows:
        ratio = row.server_us / rows[0].server_us
        table.add_row(
            row.name,
            f"{row.server_us:.2f}",
            f"{ratio:.2f}",
            f"{row.client_us:.2f}",
            f"{row.per_second:,.0f}",
        )
    return table


def _parts(rows: list[Part]) -> Table:
    table = Table(title="Made of: 10,000 sensors, one reading each a fold", title_justify="left")
    table.add_column("", no_wrap=True)
    for heading in ("server us", "saves"):
        table.add_column(heading, justify="right", min_width=len(heading))
    whole = rows[0].cost.server_us
    for row in rows:
        saved = f"{whole - row.cost.server_us:.2f}"
        table.add_row(row.name, f"{row.cost.server_us:.2f}", saved)
    return table


def _latency(server: EmbeddedServer, quick: bool) -> Table:
    table = Table(title="XADD to results, ms", title_justify="left")
    table.add_column("readings/s", justify="right")
    for heading in ("p50", "p99", "p99.9", "sent", "not seen"):
        table.add_column(heading, justify="right", min_width=len(heading))
    for rate in (1_000, 10_000):
        found, sent = latencies_ms(server, rate, 0.5 if quick else 8.0)
        cells = [
            f"{found[min(len(found) - 1, int(len(found) * q))]:.2f}" for q in (0.5, 0.99, 0.999)
        ]
        table.add_row(f"{rate:,}", *cells, f"{sent:,}", f"{sent - len(found):,}")
    return table
