"""simulator/replay.py and table.py: what a file's rows become, and what is refused."""

from pathlib import Path

import pytest

from rillet.errors import UserError
from simulator.reading import Reading
from simulator.replay import Columns, Replay, schedule
from simulator.table import Table

PLAIN = Columns()


def _replay(
    folder: Path, text: str | bytes, columns: Columns = PLAIN, *, with_seq: bool = False
) -> tuple[list[Reading], Replay]:
    path = folder / "some.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with Table(path) as table:
        replay = Replay(table, columns, with_seq=with_seq)
        return list(replay.readings()), replay


def test_wide_form_makes_every_column_but_the_time_a_sensor(tmp_path: Path) -> None:
    """A row is one reading of each sensor, at the row's time."""
    readings, replay = _replay(tmp_path, "t,a,b\n0,1,2.5\n1,-3,4e2\n", Columns(time="t"))
    assert readings == [
        Reading("a", 1, 0),
        Reading("b", 2.5, 0),
        Reading("a", -3, 1000),
        Reading("b", 400, 1000),
    ]
    assert (replay.rows, replay.found, replay.skipped) == (2, 4, 0)


def test_long_form_takes_the_sensor_from_its_column(tmp_path: Path) -> None:
    """Each row is one reading, of the sensor it names; other columns are left alone."""
    text = "who,note,what\nx,hot,1\ny,cold,2\nx,,3\n"
    readings, _ = _replay(tmp_path, text, Columns(sensor="who", values=["what"]))
    assert readings == [Reading("x", 1), Reading("y", 2), Reading("x", 3)]


@pytest.mark.parametrize("cell", ["", " ", "NA", "nan", "inf", "-inf", "1e999", "x", "1_0", "1,5"])
def test_a_cell_without_a_finite_number_is_skipped_and_counted(tmp_path: Path, cell: str) -> None:
    """The row's other cells are sent; a reading is never made up."""
    readings, replay = _replay(tmp_path, f"a;b\n{cell};2\n")
    assert readings == [Reading("b", 2)]
    assert replay.skipped == 1


def test_a_row_without_time_or_sensor_is_skipped_and_counted(tmp_path: Path) -> None:
    """Where it belongs is unknown, so it goes nowhere."""
    columns = Columns(time="t", sensor="s", values=["v"])
    readings, replay = _replay(tmp_path, "t,s,v\n,a,1\n5,,2\nNA,a,3\n6,a,4\n", columns)
    assert readings == [Reading("a", 4, 6000)]
    assert (replay.rows, replay.skipped) == (4, 3)


def test_short_rows_blank_lines_and_a_byte_order_mark_are_taken_in_stride(tmp_path: Path) -> None:
    """A missing cell is a blank one, a blank line is no row, a mark is no part of a name."""
    readings, replay = _replay(tmp_path, b"\xef\xbb\xbfa\tb\r\n1\r\n\r\n2\t3\r\n")
    assert readings == [Reading("a", 1), Reading("a", 2), Reading("b", 3)]
    assert (replay.rows, replay.skipped) == (2, 1)


def test_seq_counts_each_sensors_cells_so_that_a_blank_one_is_a_gap(tmp_path: Path) -> None:
    """The same file read twice gives the same numbers: sent again, they are duplicates."""
    first, _ = _replay(tmp_path, "a,b\n1,1\n,2\n3,3\n", with_seq=True)
    assert [(r.sensor, r.seq) for r in first] == [("a", 1), ("b", 1), ("b", 2), ("a", 3), ("b", 3)]
    assert _replay(tmp_path, "a,b\n1,1\n,2\n3,3\n", with_seq=True)[0] == first


@pytest.mark.parametrize(
    ("text", "columns", "message"),
    [
        ("", Columns(), "is empty"),
        ("a,b\n1,2\n", Columns(time="c"), "no column 'c'; its columns are: a, b"),
        ("a,a\n1,2\n", Columns(), "more than one column 'a'"),
        ("a,b\n1,2\n", Columns(sensor="a"), "needs --value-column"),
        ("t,v\n0,1\nnoon,2\n", Columns(time="t"), "Row 2 of .* has the time 'noon'"),
        ("t,v\n1e9,2\n", Columns(time="t"), "Row 1 "),
        ("Luft °C\n1\n", Columns(), "cannot name a sensor"),
        (b"a\n\xff\xfe\n", Columns(), "is not UTF-8 text"),
        (b"\0\0\0\0", Columns(), "is not a text file"),
        ('a\n"' + "1" * 200_000, Columns(), "is not CSV in line"),
    ],
)
def test_what_a_user_can_mend_is_said_in_one_line(
    tmp_path: Path, text: str | bytes, columns: Columns, message: str
) -> None:
    """The message names the file, what is wrong with it, and what there is to choose from."""
    with pytest.raises(UserError, match=message) as caught:
        _replay(tmp_path, text, columns)
    assert "\n" not in str(caught.value)


def test_due_times_follow_the_files_times_the_rate_or_nothing() -> None:
    """Speed 10 makes ten seconds one; a rate spaces evenly; without either all is due at once."""
    readings = [Reading("a", 1, ts) for ts in (5000, 15_000, 45_000)]
    assert [due for due, _ in schedule(iter(readings), 10, None)] == [0, 1, 4]
    assert [due for due, _ in schedule(iter(readings), None, 4)] == [0, 0.25, 0.5]
    assert [due for due, _ in schedule(iter(readings), None, None)] == [0, 0, 0]
