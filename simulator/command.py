"""`rillet simulate`: its options, and how it ends."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from rillet.environment import load_settings
from rillet.errors import UserError
from rillet.log import configure_logging, log_strays
from rillet.signals import hear_once
from simulator.fault import FAULTS
from simulator.fleet import Fleet
from simulator.replay import Columns
from simulator.run import DAY_S, File, Limits, factor, invent, replay_file

RATE = "20"

Option: Any = typer.Option
_invented = partial(Option, rich_help_panel="Invented readings")
_replayed = partial(Option, rich_help_panel="Replay of a file")
_either = partial(Option, rich_help_panel="Either")


class Terminated(KeyboardInterrupt):
    """SIGTERM arrived: an orderly end, exit status 0."""


def _terminate() -> None:
    raise Terminated


@contextmanager
def _stoppable() -> Iterator[None]:
    """End at once on SIGTERM with status 0; for Ctrl-C typer does the same, with 130."""
    hear_once(_terminate, signal.SIGTERM)
    try:
        yield
    except Terminated:
        raise typer.Exit(0) from None


def simulate(
    *,
    temperature: Annotated[int, _invented(min=0, help="Number of sensors, in °C.")] = 3,
    soil_nitrogen: Annotated[int, _invented(min=0, help="Number of sensors, in mg/kg.")] = 3,
    soil_moisture: Annotated[int, _invented(min=0, help="Number of sensors, in %.")] = 3,
    seed: Annotated[int, _invented(help="The same seed gives the same values.")] = 1,
    day: Annotated[float, _invented(min=1, help="Length of a simulated day, in s.")] = DAY_S,
    scenario: Annotated[
        list[str] | None,
        _invented(
            metavar="NAME[:SENSOR]",
            help=f"A fault of every sensor, or of one: {', '.join(FAULTS)}. Repeatable.",
        ),
    ] = None,
    fault_every: Annotated[
        int, _invented(min=1, help="A fault begins in about one of so many readings of a sensor.")
    ] = 100,
    replay: Annotated[
        Path | None,
        _replayed(
            metavar="FILE.csv",
            help="Send this file's numbers instead. Its first line names the columns.",
        ),
    ] = None,
    time_column: Annotated[
        str | None,
        _replayed(
            metavar="NAME",
            help="The time: ISO 8601, seconds or ms since 1970, YYYYMMDD, or a year.",
        ),
    ] = None,
    sensor_column: Annotated[
        str | None,
        _replayed(
            metavar="NAME",
            help="The name of each row's sensor. Without it every column is a sensor.",
        ),
    ] = None,
    value_column: Annotated[
        list[str] | None,
        _replayed(
            metavar="NAME",
            help="The value; without --sensor-column a sensor (repeatable; all if not given).",
        ),
    ] = None,
    speed: Annotated[
        str,
        _replayed(metavar="FACTOR", help="How many times as fast as the time column; or `max`."),
    ] = "max",
    seq: Annotated[
        bool,
        _replayed("--seq/--no-seq", help="Number the readings: sent again, they are duplicates."),
    ] = False,
    encoding: Annotated[str, _replayed(help="The file's text encoding.")] = "utf-8-sig",
    rate: Annotated[
        str | None,
        _either(
            metavar="NUMBER",
            help=f"Readings a second, in all; or `max`. Invented: {RATE} if not given.",
        ),
    ] = None,
    count: Annotated[int | None, _either(min=1, help="Stop after this many readings.")] = None,
    duration: Annotated[float | None, _either(min=0, help="Stop after this many seconds.")] = None,
) -> None:
    """Write readings to the stream: invented ones, or a file of real ones.

    Invented readings come from sensors such as temperature-1 and soil_moisture-3. While too many
    readings are not yet folded (RILLET_BACKLOG_MAX) it waits, and says so.

    \b
    rillet simulate --rate 1000 --temperature 50 --day 60
    rillet simulate --scenario spike --scenario stuck:soil_moisture-1
    rillet simulate --replay sea.csv --time-column YEAR
    rillet simulate --replay log.csv --sensor-column station --value-column temp
    """  # noqa: D301 \b keeps the lines of the example apart
    limits = Limits(count, duration)
    columns = Columns(time_column, sensor_column, value_column or ())
    faster = factor("--speed", speed)
    _check_options(replay, columns, scenario or [], faster, rate)
    settings = load_settings()
    configure_logging(settings)
    log_strays()
    with _stoppable():
        if replay:
            per_s = factor("--rate", rate) if rate else None
            replay_file(settings, File(replay, columns, seq, encoding), faster, per_s, limits)
            return
        numbers = (temperature, soil_nitrogen, soil_moisture)
        fleet = Fleet(numbers, seed, scenario or [], fault_every)
        invent(settings, fleet, factor("--rate", rate or RATE), day, limits)


def _check_options(
    replay: Path | None,
    columns: Columns,
    scenario: list[str],
    speed: float | None,
    rate: str | None,
) -> None:
    """Raise UserError where options of the two ways of use are mixed, or contradict."""
    if replay is None and (columns != Columns() or speed):
        raise UserError("--time-column, --sensor-column, --value-column and --speed need --replay.")
    if replay and scenario:
        raise UserError("--scenario is for invented readings; a replay sends what the file holds.")
    if speed and columns.time is None:
        raise UserError("--speed goes by the file's own times: name their column, --time-column.")
    if speed and rate:
        raise UserError("Give --speed or --rate, not both: each says when a reading is due.")
