"""Draws what a run came to."""

import math
from collections import Counter

from rich.table import Table

from chaos.verdict import Verdict
from verify.agreement import EXACT


def faults_table(done: Counter[str]) -> Table:
    """Return how often each fault was done."""
    table = Table(title="faults", title_justify="left")
    table.add_column("fault")
    table.add_column("times", justify="right")
    for name, times in sorted(done.items()):
        table.add_row(name, f"{times:,}")
    return table


def readings_table(verdict: Verdict) -> Table:
    """Return what became of the readings."""
    table = Table(title="readings", title_justify="left")
    table.add_column("")
    table.add_column("number", justify="right")
    doubt = f"in doubt (no seq, no answer; {verdict.doubtful_stored:,} had arrived)"
    rows = [
        ("planned", verdict.planned),
        ("acknowledged to their producer", verdict.acknowledged),
        (doubt, verdict.doubtful),
        ("sent again", verdict.retried),
        ("refused for now (memory)", verdict.refused),
        ("stored, repeats and all", verdict.entries),
        ("folded (batches: their values)", verdict.folded),
        ("known as repeats, not folded", verdict.duplicates),
        ("rejected", verdict.rejected),
        ("too late for their window, folded all the same", verdict.late),
    ]
    for name, number in rows:
        table.add_row(name, f"{number:,}")
    table.add_section()
    for name, number in (("lost", verdict.lost), ("counted twice", verdict.twice)):
        table.add_row(name, _verdict(number))
    table.add_section()
    table.add_row("windows closed", f"{verdict.windows:,}")
    table.add_row("  of them lost, there twice", _both(verdict.windows_lost, verdict.windows_twice))
    table.add_row("alert changes", f"{verdict.changes:,}")
    table.add_row("  of them lost, there twice", _both(verdict.changes_lost, verdict.changes_twice))
    return table


def _verdict(number: int) -> str:
    return f"[{'red' if number else 'green'}]{number:,}[/]"


def _both(lost: int, twice: int) -> str:
    return f"{_verdict(lost)}, {_verdict(twice)}"


def statistics_table(verdict: Verdict) -> Table:
    """Return the largest difference of each statistic from exact arithmetic, over all sensors.

    Of what is kept in doubles or buckets it is given in parts of what is allowed.
    """
    table = Table(title="difference from exact arithmetic", title_justify="left")
    table.add_column("statistic")
    for heading in ("sensors", "exact", "largest difference"):
        table.add_column(heading, justify="right")
    for name, found in verdict.fields.items():
        largest = max(one.difference / (one.within or 1) for one in found)
        shown = "not the same text" if math.isinf(largest) else f"{largest:.3g}"
        shown += " of what is allowed" if any(one.within for one in found) else ""
        exact = sum(one.digits == EXACT for one in found)
        table.add_row(name, f"{len(found)}", f"{exact}", f"{shown}")
    return table
