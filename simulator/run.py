"""The two things `rillet simulate` does: invent readings, or replay a file of real ones."""

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import structlog
import typer

from rillet.errors import UserError
from rillet.heartbeat import beat
from rillet.reachable import await_reachable
from rillet.settings import Settings
from simulator.fleet import Fleet
from simulator.pace import Pace, send
from simulator.progress import shown
from simulator.replay import Columns, Replay, schedule
from simulator.table import Table
from simulator.writer import Writer

DAY_S = 86_400.0

log = structlog.get_logger("simulator")


BEAT_S = 5.0
"""The longest sleep without a sign of life; the probes allow a minute."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When a run ends by itself: after `count` readings or `duration_s` seconds, if set."""

    count: int | None = None
    duration_s: float | None = None


def factor(option: str, text: str) -> float | None:
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


def sleeper(settings: Settings) -> Callable[[float], None]:
    """Return a `time.sleep` that touches the heartbeat file: waiting is no fault."""

    def sleep(seconds: float) -> None:
        while seconds > 0:
            beat(settings)
            time.sleep(min(seconds, BEAT_S))
            seconds -= BEAT_S

    return sleep


def invent(
    settings: Settings, fleet: Fleet, per_s: float | None, day_s: float, limits: Limits
) -> None:
    """Send the fleet's readings, `per_s` a second or as fast as can be, until a limit."""
    await_reachable(settings)
    sleep = sleeper(settings)
    pace = Pace(sleep=sleep)
    # At full speed each sensor is one second older at its every reading.
    tick_s = 1 / (per_s or len(fleet.sensors))
    readings = fleet.readings(tick_s, pace.ts_ms if per_s else pace.now_ms, DAY_S / day_s)
    log.info("simulating", sensors=len(fleet.sensors), per_second=per_s or "max")
    with closing(Writer(settings, sleep=sleep)) as writer:
        try:
            send(readings, writer, pace if per_s else None, limits.count, limits.duration_s)
        finally:
            log.info("simulated", sent=writer.sent)


@dataclass(frozen=True, slots=True)
class File:
    """A file to replay, and how to read it."""

    path: Path
    columns: Columns
    with_seq: bool
    encoding: str


def replay_file(
    settings: Settings, file: File, speed: float | None, per_s: float | None, limits: Limits
) -> None:
    """Send the file's readings and print one line that says what was sent and what was not.

    `speed` goes by the time column, `per_s` by count, neither is as fast as can be.
    """
    with Table(file.path, file.encoding) as table:
        replay = Replay(table, file.columns, with_seq=file.with_seq)
        await_reachable(settings)
        due = schedule(shown(table, replay.readings()), speed, per_s)
        sleep = sleeper(settings)
        pace = Pace(sleep=sleep) if speed or per_s else None
        with closing(Writer(settings, sleep=sleep)) as writer:
            try:
                send(due, writer, pace, limits.count, limits.duration_s)
            finally:
                typer.echo(
                    f"{file.path.name}: {_number(replay.rows, 'row')}, "
                    f"{_number(writer.sent, 'reading')} sent, "
                    f"{_number(replay.skipped, 'cell')} skipped."
                )
        if not replay.found:
            raise UserError(
                f"{file.path} has no number in the columns {', '.join(replay.value_columns)}."
            )


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
