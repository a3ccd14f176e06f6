"""The progress bar of a replay, on standard error where that is a terminal."""

import sys
from collections.abc import Iterator

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from simulator.reading import Reading
from simulator.table import Table

STEP = 1000
"""Readings between two looks at how far the file has been read."""


def shown(table: Table, readings: Iterator[Reading]) -> Iterator[Reading]:
    """Yield the readings, and show how many bytes of the table's file they have taken."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()
    ) as bar:
        # A pipe has no size: the bar then only moves.
        task = bar.add_task(table.path.name, total=table.size_bytes or None)
        for n, reading in enumerate(readings):
            if n % STEP == 0:
                bar.update(task, completed=table.read_bytes)
            yield reading
