"""`rillet forget`: takes away all that is kept of some sensors, by name or by how long unseen."""

import time
from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import track

from processor.forget import forget as forget_some
from processor.record import Own, pieces_of
from rillet.connect import connect
from rillet.environment import load_settings
from rillet.errors import UserError
from rillet.keys import Keys, partition_keys, partition_of
from rillet.reachable import check_reachable
from rillet.settings import Settings
from rillet.sizes import parse_span_ms

CHUNK = 500
"""Sensors forgotten in one step."""

Part = tuple[Keys, list[str]]


def forget(
    *,
    sensors: Annotated[list[str] | None, typer.Argument(metavar="[SENSOR]...")] = None,
    unseen_for: Annotated[
        str, typer.Option(metavar="SPAN", help="All that sent nothing for so long, such as 30d.")
    ] = "",
    dry_run: Annotated[bool, typer.Option(help="Only list them.")] = False,
) -> None:
    """Forget sensors: statistics, windows and alerts that fire; readings and rejects stay.

    Each is forgotten in one atomic step. One that sends again later begins anew.
    RILLET_FORGET_AFTER_S does the same by itself.
    """
    if bool(sensors) == bool(unseen_for):
        raise UserError("Name sensors, or give --unseen-for; one of the two.")
    before_ms = _before_ms(unseen_for) if unseen_for else None
    settings = load_settings()
    check_reachable(settings)
    with connect(settings) as client:
        parts = _unseen(client, settings, before_ms) if before_ms else _named(settings, sensors)
        if dry_run:
            for _, names in parts:
                typer.echo("\n".join(names))
            return
        wanted = sum(len(names) for _, names in parts)
        done = _forget(client, settings, parts, before_ms)
    missing = [name for _, names in parts for name in names if name not in done]
    typer.echo(f"{len(done)} of {wanted} forgotten.")
    if sensors and missing:
        raise UserError(f"No sensor of this name: {', '.join(missing)}.")


def _before_ms(span: str) -> int:
    try:
        return time.time_ns() // 1_000_000 - parse_span_ms(span)
    except ValueError as error:
        raise UserError(f"--unseen-for: {error}.") from None


def _named(settings: Settings, names: list[str] | None) -> list[Part]:
    """Return the sensors by partition, each once."""
    parts: dict[int, list[str]] = {}
    for name in dict.fromkeys(names or ()):
        parts.setdefault(partition_of(name, settings.partitions), []).append(name)
    keys = partition_keys(settings)
    return [(keys[p], found) for p, found in sorted(parts.items())]


def _unseen(client: Any, settings: Settings, before_ms: int) -> list[Part]:
    """Return the sensors of each partition whose last reading, good or not, came before then."""
    return [(keys, list(_stale(client, keys, before_ms))) for keys in partition_keys(settings)]


def _stale(client: Any, keys: Keys, before_ms: int) -> Iterator[str]:
    names = sorted(n.decode() for n in client.hkeys(keys.state) if not n.startswith(b"\0"))
    for part in _chunks(names):
        for name, record in zip(part, client.hmget(keys.state, part), strict=True):
            seen_ms = Own.unpack(pieces_of(record)["s"]).seen_ms if record else None
            if seen_ms is not None and seen_ms < before_ms:
                yield name


def _chunks(names: list[str]) -> list[list[str]]:
    return [names[start : start + CHUNK] for start in range(0, len(names), CHUNK)]


def _forget(
    client: Any, settings: Settings, parts: list[Part], before_ms: int | None
) -> frozenset[str]:
    """Forget them with a progress bar; return the names of those that were there.

    One that has sent again since it was found unseen is kept: the step itself looks once more.
    """
    steps = [(keys, some) for keys, names in parts for some in _chunks(names)]
    done: set[str] = set()
    for keys, some in track(steps, "Forgetting", console=Console(stderr=True), transient=True):
        done |= set(forget_some(client, settings, keys, some, seen_before_ms=before_ms))
    return frozenset(done)
