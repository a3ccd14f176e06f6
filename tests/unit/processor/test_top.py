"""processor/top.py: the table of two looks."""

import re
from typing import Any

import pytest
from rich.console import Console

from processor.top import Look, Row, Sort, ordered, rates, table


def row(name: str, count: int, *, last: float | None = 1.0, alerts: Any = ()) -> Row:
    return Row(name, count, 1.5, 0.25, last, 3.0, "°C", tuple(alerts))


def seen(at_s: float, *rows: Row) -> Look:
    return Look(at_s, rows, 7, {one.name: one.count for one in rows})


def test_a_rate_is_the_counts_difference_over_the_time() -> None:
    """A sensor that is new, or was forgotten in between, has no rate below 0."""
    before = seen(10.0, row("a", 100), row("again", 50))
    now = seen(12.0, row("a", 130), row("again", 2), row("new", 9))
    assert rates(now, before) == {"a": 15.0, "again": 0.0, "new": 0.0}
    assert rates(now, None) == {}


@pytest.mark.parametrize(
    ("sort", "names"),
    [("name", "abc"), ("count", "cab"), ("last", "bac"), ("alerts", "bac"), ("rate", "acb")],
)
def test_rows_are_sorted_by_name_or_the_most_first(sort: Sort, names: str) -> None:
    """Ties go by name, and a sensor without the figure comes last."""
    rows = [row("c", 3, last=None), row("a", 2, last=1), row("b", 1, last=2, alerts=["r"])]
    found = ordered(rows, {"a": 5.0, "c": 1.0}, sort)
    assert "".join(one.name for one in found) == names


def test_the_table_says_what_all_do_and_shows_what_fits() -> None:
    """The title sums over all sensors, also those without a row."""
    now = seen(12.0, row("[a]", 130, alerts=["hot"]), row("b", 10))
    console = Console(width=120, file=None)
    with console.capture() as capture:
        console.print(table(now, seen(10.0, row("[a]", 100), row("b", 10)), "name", 1))
    text = capture.get()
    assert "2 sensors, 15 readings/s, lag 7, firing 1" in text
    assert "1 more" in text
    line = next(line for line in text.splitlines() if "[a]" in line)
    cells = re.split("  +", line.strip())
    assert cells == ["[a]", "130", "1.5", "0.25", "1 °C", "15.0", "3 s", "hot"]
    assert not re.search(r"^ *b ", text, re.MULTILINE)


def test_in_little_room_the_alerts_and_the_figures_stay() -> None:
    """A terminal of 80 columns shows what fires; the name gives way."""
    name = "greenhouse/3/bench/2/soil_moisture-1"
    now = seen(1700000000.0, row(name, 1234567, alerts=["silent"]))
    console = Console(width=80, file=None)
    with console.capture() as capture:
        console.print(table(now, None, "name", 1))
    line = next(line for line in capture.get().splitlines() if line.startswith(" greenhouse/3"))
    assert line.split()[1:] == ["1,234,567", "1.5", "0.25", "1", "°C", "3", "s", "silent"]
