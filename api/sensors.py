"""The routes of the sensors' current statistics."""

from collections import Counter
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, HTTPException, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.encode import encode_array, encode_sensor
from api.etag import cached
from api.history import Asked, last_part, needed, quantiles_of
from api.models import SensorDetail, SensorPage, Summary
from api.paging import CursorError, SortField, page, sort_key
from api.problems import Problem
from api.store import Fields, Record
from processor.merge import figures, merge
from processor.record import Moments, pieces_of
from processor.sketch import Sketch, quantiles
from processor.windows import Sensor

PROBLEMS: dict[int | str, dict[str, Any]] = {n: {"model": Problem} for n in (401, 404, 422, 503)}

Prefix = Annotated[str, Query(description="Only sensors whose name begins so.", max_length=128)]
Kind = Annotated[str, Query(description="Only sensors of this kind.", max_length=64)]

router = APIRouter(tags=["sensors"], responses=PROBLEMS)


@router.get("/api/sensors", response_model=SensorPage)
async def list_sensors(
    request: Request,
    *,
    prefix: Prefix = "",
    kind: Kind = "",
    sort: Annotated[SortField, Query(description="What to sort by.")] = "name",
    descending: Annotated[bool, Query(description="Largest first; not for names.")] = False,
    limit: Annotated[int, Query(ge=1, le=5000)] = 1000,
    cursor: Annotated[str, Query(description="`next` of the page before.", max_length=1000)] = "",
) -> Response:
    """Return a page of sensors with their current statistics."""
    store = request.app.state.shared.store
    plain = sort == "name" and not kind
    names = [name for name in await store.names() if name.startswith(prefix.encode())]
    known: dict[bytes, Fields] = {} if plain else await store.read(names)
    fitting = names if plain else _of_kind(known, kind)
    keys = [sort_key(n, known.get(n, {}), sort, descending=descending) for n in fitting]
    try:
        chosen, following = page(keys, cursor, limit)
    except CursorError as error:
        raise HTTPException(422, f"{error}.") from None
    found = await store.read(chosen) if plain else known
    items = encode_array([encode_sensor(found[name]) for name in chosen if name in found])
    return cached(request, b'{"items":%s,"next":%s}' % (items, orjson.dumps(following)))


@router.get("/api/sensors/{sensor:path}", response_model=SensorDetail)
async def one_sensor(
    request: Request,
    sensor: str,
    over: Annotated[
        str,
        Query(
            description="Also the figures of the last so much: `5m`, `1h`, `24h`, `7d`; units "
            "ms, s, m, h, d.",
            max_length=16,
            examples=["5m"],
        ),
    ] = "",
) -> Response:
    """Return the current statistics of one sensor, its quantiles, and those of a span."""
    shared = request.app.state.shared
    sizes = shared.settings.window_sizes
    asked = Asked.parse(over, sizes) if over else None
    wanted = needed(asked, sizes, shared.settings.future_skew_ms) if asked else {}
    found = await shared.store.everything(sensor.encode("utf-8", "replace"), wanted)
    if not found.fields:
        raise HTTPException(404, f"No reading of a sensor {sensor!r} has been folded.")
    more = {"quantiles": quantiles_of(found)}
    if asked:
        more["over"] = await run_in_threadpool(last_part, found, asked, sizes)
    return cached(request, encode_sensor(found.fields)[:-1] + b"," + orjson.dumps(more)[1:])


@router.get("/api/summary", response_model=Summary)
async def summary(request: Request, prefix: Prefix = "", kind: Kind = "") -> Response:
    """Return the statistics of all readings of the fitting sensors together, exact to the bit."""
    store = request.app.state.shared.store
    names = [name for name in await store.names() if name.startswith(prefix.encode())]
    if kind:
        names = _of_kind(await store.read(names), kind)
    records = await store.records(names)
    found = await run_in_threadpool(_merged, records)
    return cached(request, orjson.dumps(found))


def _merged(records: list[Record]) -> dict[str, Any]:
    pieces = (pieces_of(record).get("m") for record, _ in records)
    parts = [Moments.unpack(piece) for piece in pieces if piece]
    whole, counts = merge(parts), Counter[int]()
    for record, slow in records:
        counts.update(Sensor.unpack(record, slow).sketch.counts)
    asked = quantiles(Sketch(counts), whole.low, whole.high) if counts else None
    return {"sensors": len(parts), **figures(whole), "quantiles": asked}


def _of_kind(known: dict[bytes, Fields], kind: str) -> list[bytes]:
    wanted = kind.encode()
    return [n for n, fields in known.items() if not kind or fields.get(b"kind") == wanted]
