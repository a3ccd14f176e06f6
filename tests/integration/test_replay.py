"""Replay of published measurements, as statsmodels ships them, to a real server."""

import csv
import os
import pty
import re
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import pytest
import redis
import statsmodels.datasets

from rillet.embedded import EmbeddedServer
from rillet.errors import UserError
from rillet.settings import Settings
from simulator.replay import Columns
from simulator.run import File, Limits, replay_file
from tests.processes import running

DATA = Path(statsmodels.datasets.__file__).parent


def _file(name: str) -> Path:
    return DATA / name / f"{name}.csv"


PLAIN = Columns()


def _replay(
    settings: Settings,
    path: Path,
    columns: Columns = PLAIN,
    *,
    speed: float | None = None,
    with_seq: bool = False,
    count: int | None = None,
) -> None:
    file = File(path, columns, with_seq, "utf-8-sig")
    replay_file(settings, file, speed, None, Limits(count))


def _streamed(client: redis.Redis) -> dict[str, list[float]]:
    series: dict[str, list[float]] = defaultdict(list)
    for _, fields in client.xrange("readings"):
        series[fields[b"sensor"].decode()].append(float(fields[b"value"]))
    return dict(series)


def _measured(path: Path, skip: str) -> dict[str, list[float]]:
    """Read a wide file in the plainest way: each column but `skip`, without its blanks."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        name: [float(row[name]) for row in rows if row[name].strip()]
        for name in rows[0]
        if name != skip
    }


@pytest.mark.parametrize(
    ("name", "time"),
    [
        ("elnino", "YEAR"),
        ("sunspots", "YEAR"),
        ("co2", "date"),
        ("nile", "year"),
        ("macrodata", "year"),
    ],
)
def test_every_number_of_a_wide_file_arrives_in_order(
    client: redis.Redis, settings: Settings, name: str, time: str
) -> None:
    """Each series on the stream is its column, to the bit."""
    _replay(settings, _file(name), Columns(time))
    assert _streamed(client) == _measured(_file(name), time)


def test_long_form_gives_the_same_series_as_wide_form(
    client: redis.Redis, settings: Settings, tmp_path: Path
) -> None:
    """El Nino written one value a row, with the month in a column, is the same twelve series."""
    melted = tmp_path / "long.csv"
    with _file("elnino").open(newline="") as file, melted.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["month", "year", "sea"])
        for row in csv.DictReader(file):
            writer.writerows([m, row["YEAR"], row[m]] for m in row if m != "YEAR")
    _replay(settings, melted, Columns("year", "month", ["sea"]))
    assert _streamed(client) == _measured(_file("elnino"), "YEAR")


def test_times_and_numbers_are_those_of_the_file(client: redis.Redis, settings: Settings) -> None:
    """A row's time is its ts, also before 1970; seq is there only when asked for."""
    _replay(settings, _file("co2"), Columns("date"), with_seq=True, count=2)
    [first, second] = [fields for _, fields in client.xrange("readings")]
    assert first[b"ts"] == b"-371174400000"  # 1958-03-29, 4296 days before 1970
    assert (first[b"seq"], second[b"seq"]) == (b"1", b"2")
    client.flushall()
    _replay(settings, _file("nile"), Columns(values=["volume"]))
    assert all(list(fields) == [b"sensor", b"value"] for _, fields in client.xrange("readings"))


def test_a_speed_spreads_the_readings_over_time(client: redis.Redis, settings: Settings) -> None:
    """Ten years at a speed of ten years a half second: none of them comes before its time."""
    ten_years_s = 10 * 365.25 * 86_400
    began_ms = time.time() * 1000
    _replay(settings, _file("nile"), Columns("year"), speed=ten_years_s * 2, count=11)
    ids = [int(entry.split(b"-")[0]) for entry, _ in client.xrange("readings")]
    assert all(at >= began_ms + 49 * year for year, at in enumerate(ids))


def test_a_bad_time_stops_with_its_row_and_sends_what_came_before(
    server: EmbeddedServer, client: redis.Redis, tmp_path: Path
) -> None:
    """The summary and the row's number tell how far the file was taken."""
    path = tmp_path / "bad.csv"
    path.write_text("t,v\n2001,1\n2002,2\nlater,3\n")
    options = ("--replay", str(path), "--time-column", "t")
    with running(server, "simulate", *options) as process:
        said = process.communicate(timeout=30)[0]
    assert process.returncode == 2
    assert "bad.csv: 3 rows, 2 readings sent" in said
    assert "Row 3 of" in said
    assert "Traceback" not in said
    assert _streamed(client) == {"v": [1, 2]}


def test_a_file_without_a_number_is_an_error(
    client: redis.Redis, settings: Settings, tmp_path: Path
) -> None:
    """Nothing is sent, and the columns that were looked at are named."""
    path = tmp_path / "words.csv"
    path.write_text("name,place\nx,here\ny,there\n")
    with pytest.raises(UserError, match="has no number in the columns name, place"):
        _replay(settings, path)
    assert not client.exists("readings")


def test_a_terminal_sees_a_progress_bar(server: EmbeddedServer, client: redis.Redis) -> None:
    """On a terminal standard error shows how much of the file is read; the summary stays alone."""
    ours, theirs = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "rillet", "simulate", "--replay", str(_file("co2"))],
        env={**os.environ, "RILLET_REDIS_URL": server.url, "TERM": "xterm", "COLUMNS": "100"},
        stdout=subprocess.PIPE,
        stderr=theirs,
        check=True,
        timeout=30,
    )
    os.close(theirs)
    shown = os.read(ours, 100_000).decode()
    os.close(ours)
    assert "kB" in shown
    assert done.stdout.decode() == "co2.csv: 2284 rows, 4509 readings sent, 59 cells skipped.\n"
    assert client.xlen("readings") == 4509


def test_the_pages_examples_print_what_it_says(
    client: redis.Redis, server: EmbeddedServer, tmp_path: Path
) -> None:
    """Each file that docs/simulator.md makes is replayed with its command, to its summary."""
    page = (Path(__file__).parents[2] / "docs" / "simulator.md").read_text()
    examples = re.findall(r"    (printf .*\n)    (rillet .*)\n\n    (.*)\n", page)
    assert len(examples) == 2
    for make, replay, summary in examples:
        script = f'set -e; rillet() {{ {sys.executable} -m rillet "$@"; }}; {make}{replay}'
        done = subprocess.run(
            ["sh", "-c", script],
            cwd=tmp_path,
            env={**os.environ, "RILLET_REDIS_URL": server.url},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout == f"{summary}\n"
    assert client.xlen("readings") == 5
