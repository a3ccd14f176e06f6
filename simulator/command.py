"""`rillet simulate`: its options, and how it ends."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Annotated

import structlog
import typer

from rillet.connect import check_reachable
from rillet.errors import UserError
from rillet.log import configure_logging
from rillet.settings import load_settings
from simulator.fault import FAULTS
from simulator.fleet import Fleet
from simulator.pace import Pace, send
from simulator.writer import Writer

DAY_S = 86_400.0

log = structlog.get_logger("simulator")


class Terminated(KeyboardInterrupt):
    """SIGTERM arrived: an orderly end, exit status 0."""


def _terminate(_number: int, _frame: FrameType | None) -> None:
    raise Terminated


@contextmanager
def _stoppable() -> Iterator[None]:
    """End at once on Ctrl-C (status 130) and SIGTERM (status 0), without a traceback."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    except Terminated:
        raise typer.Exit(0) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def _factor(option: str, text: str) -> float | None:
    """Return the positive number of an option, or None for `max`; raise UserError otherwise."""
    if text == "max":
        return None
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number <= 1e9:  # noqa: PLR2004 also keeps out nan
        raise UserError(f"{option} {text!r} is not a positive number; give one, or `max`.")
    return number


def simulate(
    *,
    temperature: Annotated[int, typer.Option(min=0, help="Number of sensors, in °C.")] = 3,
    soil_nitrogen: Annotated[int, typer.Option(min=0, help="Number of sensors, in mg/kg.")] = 3,
    soil_moisture: Annotated[int, typer.Option(min=0, help="Number of sensors, in %.")] = 3,
    rate: Annotated[
        str, typer.Option(help="Readings a second, all sensors together; or `max`.")
    ] = "20",
    seed: Annotated[int, typer.Option(help="The same seed gives the same values again.")] = 1,
    count: Annotated[int | None, typer.Option(min=1, help="Stop after this many readings.")] = None,
    duration: Annotated[
        float | None, typer.Option(min=0, help="Stop after this many seconds.")
    ] = None,
    day: Annotated[
        float, typer.Option(min=1, help="Length of the simulated day, in seconds.")
    ] = DAY_S,
    scenario: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[:SENSOR]",
            help=f"A fault: {', '.join(FAULTS)}. For one sensor (spike:temperature-1) or for all. "
            "Repeatable.",
        ),
    ] = None,
    fault_every: Annotated[
        int, typer.Option(min=1, help="A fault begins in about one of so many readings.")
    ] = 100,
) -> None:
    """Write readings to the stream: invented ones, or a file of real ones.

    Invented readings come from sensors such as temperature-1 and soil_moisture-3.

    \b
    rillet simulate
    rillet simulate --rate 1000 --temperature 50 --day 60
    rillet simulate --scenario spike --scenario stuck:soil_moisture-1
    """  # noqa: D301 \b keeps the lines of the example apart
    settings = load_settings()
    configure_logging(settings)
    numbers = {
        "temperature": temperature,
        "soil_nitrogen": soil_nitrogen,
        "soil_moisture": soil_moisture,
    }
    fleet = Fleet(numbers, seed, scenario or [], fault_every)
    per_s = _factor("--rate", rate)
    check_reachable(settings)
    pace, writer = Pace(), Writer(settings)
    # At full speed each sensor is one second older at its every reading.
    tick_s = 1 / (per_s or len(fleet.sensors))
    readings = fleet.readings(tick_s, pace.ts_ms if per_s else pace.now_ms, DAY_S / day)
    log.info("simulating", sensors=len(fleet.sensors), rate=rate, seed=seed)
    with _stoppable():
        try:
            send(readings, writer, pace if per_s else None, count, duration)
        finally:
            log.info("simulated", sent=writer.sent)
            writer.close()
