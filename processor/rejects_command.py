"""`rillet rejects`: the readings that could not be folded, as a table, and sent back corrected."""

from itertools import islice
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import track
from rich.table import Table

from processor.rejects import Reject, Wanted, corrections, is_cut, read_rejects, replay
from rillet.connect import check_reachable, connect
from rillet.settings import Settings, load_settings


def rejects(
    *,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, oldest first.")] = 50,
    code: Annotated[str, typer.Option(help="Only those with this code, such as bad_value.")] = "",
    sensor: Annotated[str, typer.Option(help="Only those of this sensor.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    send: Annotated[bool, typer.Option("--replay", help="Send them back as new readings.")] = False,
    change: Annotated[
        list[str] | None,
        typer.Option("--set", help="field=value: correct this field; field= drops it. Repeatable."),
    ] = None,
) -> None:
    """List the readings that could not be folded, and why; send corrected ones back.

    With --replay each is taken off the list, so a second replay does not repeat it. One that is
    still bad comes back to the list.
    """
    settings = load_settings()
    check_reachable(settings)
    changes = corrections(change or [])
    with connect(settings) as client:
        found = list(islice(read_rejects(client, settings, Wanted(code, sensor)), limit))
        if send:
            _replay(client, settings, found, changes)
        elif as_json:
            for one in found:
                typer.echo(orjson.dumps(_as_object(one)))
        else:
            Console().print(_table(found))


def _replay(client: Any, settings: Settings, found: list[Reject], changes: dict[str, str]) -> None:
    """Send all back, with a progress bar, and say how many were."""
    console = Console(stderr=True)
    whole = [one for one in found if not is_cut(one, changes)]
    if len(whole) < len(found):
        console.print(f"{len(found) - len(whole)} stay: a field of theirs was too long to be kept.")
    moved = [
        replay(client, settings, one, changes)
        for one in track(whole, "Sending back", console=console, transient=True)
    ]
    console.print(f"{sum(moved)} of {len(found)} sent back; `rillet process` folds them.")


def _as_object(one: Reject) -> dict[str, Any]:
    return {
        "entry": one.entry_id,
        "id": one.reading_id,
        "sensor": one.sensor,
        "code": one.code,
        "reason": one.reason,
        "fields": one.fields,
    }


def _table(found: list[Reject]) -> Table:
    table = Table(title=f"{len(found)} rejected readings", title_justify="left")
    for heading in ("id", "sensor", "code", "reason", "fields"):
        table.add_column(heading, overflow="fold")
    for one in found:
        fields = " ".join(f"{k}={v}" for k, v in one.fields.items())
        cells = (one.reading_id, one.sensor, one.code, one.reason, fields)
        table.add_row(*(escape(cell) for cell in cells))
    return table
