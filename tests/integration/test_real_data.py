"""The main job on published measurements: replayed, folded, compared with exact arithmetic.

The series come with the package statsmodels: El Nino (sea surface temperatures by month,
1950-2010, wide form) and CO2 (weekly, Mauna Loa, 1958-2001, with gaps).
"""

import csv
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import redis
import statsmodels.datasets

from rillet.embedded import EmbeddedServer
from tests.lua.model import exact_figures
from tests.processes import running
from tests.waiting import until

FILES = {"elnino": "YEAR", "co2": "date", "nile": "year", "sunspots": "YEAR", "macrodata": "year"}


def path_of(name: str) -> Path:
    return Path(statsmodels.datasets.__file__).parent / name / f"{name}.csv"


@cache
def series_of(name: str) -> dict[str, list[float]]:
    """Return the numbers of each column, as the file has them."""
    columns: dict[str, list[float]] = {}
    with path_of(name).open(newline="") as file:
        for row in csv.DictReader(file):
            for column, cell in row.items():
                if column != FILES[name] and cell.strip():
                    columns.setdefault(column, []).append(float(cell))
    return columns


def replay(server: EmbeddedServer, client: redis.Redis, name: str, workers: int) -> dict[str, Any]:
    """Replay one file through real processes; return the hashes once all of it is folded."""
    client.flushall()
    expected = sum(map(len, series_of(name).values()))
    with ExitStack() as stack:
        for _ in range(workers):
            stack.enter_context(running(server, "process"))
        options = ("--replay", str(path_of(name)), "--time-column", FILES[name], "--speed", "max")
        with running(server, "simulate", *options) as simulator:
            assert simulator.wait(60) == 0
        until(lambda: sum(int(h[b"count"]) for h in hashes(client).values()) == expected)
        return hashes(client)


def hashes(client: redis.Redis) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key in client.keys("stats:*"):
        fields: Any = client.hgetall(key)
        found[key.decode().removeprefix("stats:")] = fields
    return found


@pytest.mark.parametrize("name", FILES)
def test_every_series_is_exact(server: EmbeddedServer, client: redis.Redis, name: str) -> None:
    """Every figure of each published series is right to the bit."""
    got = replay(server, client, name, workers=1)
    assert set(got) == set(series_of(name))
    for column, values in series_of(name).items():
        want = exact_figures(values)
        assert {k: float(got[column][k.encode()]) for k in want} == want, column


def test_one_and_three_workers_leave_identical_hashes(
    server: EmbeddedServer, client: redis.Redis
) -> None:
    """The same file gives the same bytes in every field, however many workers fold it."""
    one, three = (replay(server, client, "elnino", workers) for workers in (1, 3))
    for found in (one, three):
        for fields in found.values():
            del fields[b"last_id"]  # names the entry, which each replay adds anew
    assert one == three
