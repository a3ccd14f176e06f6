"""`rillet verify`: recomputes statistics from the readings and compares them with what is shown."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import redis
import typer
from rich.console import Console
from rich.progress import track

from rillet.connect import connect
from rillet.console import tables
from rillet.environment import load_settings
from rillet.errors import UserError
from rillet.keys import partition_keys, partition_of
from rillet.reachable import check_reachable
from rillet.settings import Settings
from simulator.replay import Columns
from verify.file import account_of, verify_file
from verify.moment import read_moment, text_of
from verify.table import show
from verify.tail import Report, verify_moment


def verify(
    sensors: Annotated[
        list[str] | None, typer.Argument(metavar="[SENSOR]...", help="All, if none is named.")
    ] = None,
    *,
    source: Annotated[
        Path | None,
        typer.Option(metavar="FILE.csv", help="The file that was replayed, instead of the tail."),
    ] = None,
    time_column: Annotated[str | None, typer.Option(help="As for `rillet simulate`.")] = None,
    sensor_column: Annotated[str | None, typer.Option(help="The same.")] = None,
    value_column: Annotated[list[str] | None, typer.Option(help="The same.")] = None,
    encoding: Annotated[str, typer.Option(help="The file's text encoding.")] = "utf-8-sig",
) -> None:
    """Recompute statistics exactly, and say in how many digits what Redis shows agrees.

    Against the readings that are kept in Redis: all of them where none has been trimmed yet,
    else the tail (RILLET_READINGS_TAIL). Or against a file that was replayed once.

    What is kept in plain doubles (the weighted figures) must be as near as those are. Fields that
    could not be held against anything are named.

    Exit status: 0 every field compared is right, 1 some field is not, 2 it could not be told.
    """
    settings = load_settings()
    columns = Columns(time_column, sensor_column, value_column or ())
    if source is None and columns != Columns():
        raise UserError("--time-column, --sensor-column and --value-column need --source.")
    check_reachable(settings)
    with connect(settings) as client, _one_line():
        if source is None:
            reports = _from_tail(client, settings, sensors)
        else:
            wanted = account_of(source, columns, encoding, settings.max_batch)
            chosen = {name: wanted.get(name, {"count": 0}) for name in sensors or wanted}
            reports = verify_file(chosen, {name: _hash(client, settings, name) for name in chosen})
    if not reports:
        raise UserError("There is nothing to verify: no sensor has statistics yet.")
    show(tables(), reports)
    raise typer.Exit(0 if all(report.right for report in reports) else 1)


@contextmanager
def _one_line() -> Iterator[None]:
    """Turn what the server refuses, as for a key of another type, into an error of one line."""
    try:
        yield
    except redis.exceptions.NoPermissionError:
        raise
    except redis.ResponseError as error:
        said = "docs/redis-layout.md has the type of each key."
        raise UserError(f"What is stored cannot be read: {error}. {said}") from None


def _hash(client: Any, settings: Settings, sensor: str) -> dict[str, str]:
    keys = partition_keys(settings)[partition_of(sensor, settings.partitions)]
    return text_of(client.hgetall(keys.stats(sensor)))


def _name(field: bytes, state: str) -> str:
    if not field.isascii():
        raise UserError(f"The field {field!r} of {state} is no sensor's: HDEL it.")
    return field.decode()


def _from_tail(client: Any, settings: Settings, sensors: list[str] | None) -> list[Report]:
    """Verify the sensors of each partition, as it is at one moment."""
    reports = []
    every = partition_keys(settings)
    for number, keys in track(
        list(enumerate(every)), "Verifying", console=Console(stderr=True), transient=True
    ):
        known = {_name(name, keys.state) for name in client.hkeys(keys.state) if name[:1] != b"\0"}
        mine = {name for name in sensors or known if partition_of(name, len(every)) == number}
        for name in sorted(mine - known):
            raise UserError(f"There is no sensor {name!r} in {keys.state}.")
        if mine and client.exists(keys.readings):
            reports += verify_moment(read_moment(client, keys, sorted(mine)), settings)
    return reports
