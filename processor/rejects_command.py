"""`rillet rejects`: the readings that could not be folded, as a table, and sent back corrected."""

from collections import Counter
from itertools import islice
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import track
from rich.table import Table

from processor.rejects import Reject, Wanted, corrections, is_cut, read_rejects
from processor.replay import claimed, finish_claims, send_back
from rillet.connect import FAULTS, connect
from rillet.console import tables
from rillet.environment import load_settings
from rillet.errors import UserError
from rillet.reachable import check_reachable
from rillet.settings import Settings


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
    console = Console(stderr=True)
    with connect(settings) as client:
        every = read_rejects(client, settings, Wanted(code, sensor))
        found, more = list(islice(every, limit)), sum(1 for _ in every)
        if send:
            _replay(client, settings, console, found, changes)
        elif as_json:
            for one in found:
                typer.echo(orjson.dumps(_as_object(one)))
        else:
            tables().print(_table(found))
        if more:
            console.print(f"{more} more: see --limit.")
        waiting = 0 if send else claimed(client, settings)
        if waiting:
            console.print(f"{waiting} on the way to another partition; --replay sees to it.")


def _replay(
    client: Any, settings: Settings, console: Console, found: list[Reject], changes: dict[str, str]
) -> None:
    """Send all back, with a progress bar, and say how many were, and why others stay."""
    foreign = [one for one in found if one.foreign]
    cut = [one for one in found if not one.foreign and is_cut(one, changes)]
    good = [one for one in found if one not in foreign and one not in cut]
    said: Counter[str] = Counter()
    try:
        finish_claims(client, settings)
        for one in track(good, "Sending back", console=console, transient=True):
            said[send_back(client, settings, one, changes)] += 1
    except FAULTS as error:
        raise UserError(
            f"{said['sent']} of {len(found)} sent back, then Redis refused: {error}. "
            "The others are kept: try again."
        ) from None
    for number, why in (
        (len(foreign), "not written by the fold."),
        (len(cut), "a field of theirs was too long to be kept."),
        (said["unread"], "the fold that rejected them broke off. Try again once it is through."),
    ):
        if number:
            console.print(f"{number} stay: {why}")
    console.print(f"{said['sent']} of {len(found)} sent back; `rillet process` folds them.")


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
    table = Table(title=f"Rejected readings: {len(found)}", title_justify="left")
    for heading in ("id", "sensor", "code", "reason", "fields"):
        table.add_column(heading, overflow="fold")
    for one in found:
        fields = " ".join(f"{k}={v}" for k, v in one.fields.items())
        cells = (one.reading_id, one.sensor, one.code, one.reason, fields)
        table.add_row(*(escape(cell) for cell in cells))
    return table
