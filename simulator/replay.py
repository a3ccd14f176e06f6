"""Turns a CSV file of real measurements into readings, row by row. Sends nothing."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rillet.errors import UserError
from simulator.reading import Reading
from simulator.table import Table
from simulator.timestamp import parse_time_ms

MISSING = frozenset({"", "NA", "N/A", "NAN", "NULL", "NONE"})
"""What stands for no value, in capitals."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns are what, by name.

    With `sensor` the file is in long form: that column names the sensor of each row and the one
    column in `values` holds its value. Without, it is in wide form: each column in `values`, or
    every column but `time` if there is none, is a sensor of the column's name.
    """

    time: str | None = None
    sensor: str | None = None
    values: Sequence[str] = ()


class Replay:
    """The readings of one file, and counts of what was met on the way.

    `rows` counts data rows, `skipped` the cells of value columns that hold no finite number and
    the rows whose time or sensor is missing; `found` the readings.
    """

    def __init__(self, table: Table, columns: Columns, *, with_seq: bool = False) -> None:
        self._table, self._with_seq = table, with_seq
        self._time = None if columns.time is None else table.index(columns.time)
        self._sensor = None if columns.sensor is None else table.index(columns.sensor)
        self._values = [(at, table.columns[at]) for at in self._value_columns(columns)]
        self._seqs: dict[str, int] = {}
        self.rows = self.skipped = self.found = 0

    def _value_columns(self, columns: Columns) -> list[int]:
        if self._sensor is not None and len(columns.values) != 1:
            shown = ", ".join(name for name in self._table.columns if name)
            raise UserError(
                "--sensor-column needs --value-column: which one of "
                f"{self._table.path}'s columns holds the value? They are: {shown}."
            )
        # By index(): two columns of one name would become one sensor.
        names = columns.values or [name for name in self._table.columns if name]
        chosen = [self._table.index(name) for name in names]
        if self._sensor is None:
            chosen = [at for at in chosen if at != self._time]
            for at in chosen:
                _check_sensor(self._table.columns[at])
        return chosen

    @property
    def value_columns(self) -> list[str]:
        """The names of the columns that hold values."""
        return [name for _, name in self._values]

    def readings(self) -> Iterator[Reading]:
        """Yield every reading of the file, in its order; raise UserError where a time is none."""
        for row in self._table.rows():
            self.rows += 1
            yield from self._row(row)

    def _row(self, row: list[str]) -> Iterator[Reading]:
        ts = None
        if self._time is not None:
            text = _cell(row, self._time)
            if text.upper() in MISSING:
                self.skipped += 1
                return
            ts = self._parse_time(text)
        for at, name in self._values:
            sensor = name if self._sensor is None else _cell(row, self._sensor)
            value = _number(_cell(row, at))
            seq = self._next_seq(sensor)
            if value is None or not sensor:
                self.skipped += 1
            else:
                self.found += 1
                yield Reading(sensor, value, ts, seq)

    def _next_seq(self, sensor: str) -> int | None:
        """Count each sensor's cells from 1; one that is skipped takes a number too, so is a gap."""
        if not self._with_seq:
            return None
        self._seqs[sensor] = self._seqs.get(sensor, 0) + 1
        return self._seqs[sensor]

    def _parse_time(self, text: str) -> int:
        try:
            return parse_time_ms(text)
        except (ValueError, OverflowError):
            raise UserError(
                f"Row {self.rows} of {self._table.path} has the time {text!r}: write ISO 8601 "
                "(2026-05-01T12:00:00Z), seconds or ms since 1970, YYYYMMDD, or a year."
            ) from None


def _check_sensor(name: str) -> None:
    if len(name) > 128 or not name.isascii() or not name.isprintable():  # noqa: PLR2004 the fold's
        raise UserError(
            f"Column {name!r} cannot name a sensor, which is 1 to 128 printable ASCII characters: "
            "rename it in the first line, or choose others with --value-column."
        )


def _cell(row: list[str], at: int) -> str:
    """Return a cell without the spaces around it; one that a short row lacks is blank."""
    return row[at].strip() if at < len(row) else ""


def _number(text: str) -> float | None:
    """Return the finite number that the text is in decimal notation, or None."""
    try:
        number = float(text)
    except ValueError:
        return None
    # float() also reads 1_000, which no CSV means as a thousand.
    return number if math.isfinite(number) and "_" not in text else None


def schedule(
    readings: Iterator[Reading], speed: float | None, per_s: float | None
) -> Iterator[tuple[float, Reading]]:
    """Yield (seconds since the start at which it is due, reading).

    By event time, `speed` times as fast; else `per_s` readings a second; else all at once.
    """
    start_ms: int | None = None
    for n, reading in enumerate(readings):
        if speed and reading.ts is not None:
            start_ms = reading.ts if start_ms is None else start_ms
            yield (reading.ts - start_ms) / 1000 / speed, reading
        else:
            yield (n / per_s if per_s else 0.0), reading
