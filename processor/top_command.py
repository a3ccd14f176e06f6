"""`rillet top`: the sensors as a live table on the terminal."""

import sys
import time
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.live import Live

from processor.top import Look, Sort, look, table
from rillet.connect import FAULTS, connect
from rillet.console import tables
from rillet.environment import load_settings
from rillet.reachable import check_reachable
from rillet.settings import Settings


def top(
    *,
    sort: Annotated[Sort, typer.Option(help="What comes first; names A to Z, else the most.")] = (
        "name"
    ),
    limit: Annotated[
        int | None, typer.Option(min=1, help="The most rows; default: what fits.")
    ] = None,
    every: Annotated[float, typer.Option(min=0.1, help="Seconds between two looks.")] = 1.0,
    once: Annotated[bool, typer.Option(help="Print one table and end.")] = False,
) -> None:
    """Watch the sensors: count, mean, deviation, last value, rate, age, and alerts that fire.

    Needs nothing but Redis. Without a terminal it prints one table, as with --once.
    """
    settings = load_settings()
    check_reachable(settings)
    console = tables()
    with connect(settings) as client:
        if once or not sys.stdout.isatty():
            found = look(client, settings)
            console.print(table(found, None, sort, limit or len(found.rows)))
            return
        try:
            _watch(client, settings, console, (sort, limit, every))
        except KeyboardInterrupt:
            return


def _watch(client: Any, settings: Settings, console: Console, how: tuple[Sort, Any, float]) -> None:
    """Show look after look until Ctrl-C; a Redis that is away is said, and asked again."""
    sort, limit, every = how
    before: Look | None = None
    with Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            try:
                now = look(client, settings)
            except FAULTS as error:
                live.update(f"Redis does not answer ({error}); asking again.", refresh=True)
            else:
                fits = limit or max(1, console.height - 6)
                live.update(table(now, before, sort, fits), refresh=True)
                before = now
            time.sleep(every)
