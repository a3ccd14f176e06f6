"""`GET /api/sensors/{sensor}/windows`: closed and open windows, as a chart needs them."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Any
from urllib.parse import unquote_to_bytes

import orjson
from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.routing import Match

from api.etag import cached
from api.history import now_ms, windows_of
from api.models import Windows
from api.problems import Problem
from rillet.sizes import Size, name_of, parse_span_ms

FOREVER_MS = 2**53


class ApartRoute(APIRoute):
    """Takes only what has `/windows` apart from the name: in `a%2Fwindows` it is part of one."""

    def matches(self, scope: Any) -> tuple[Match, Any]:
        """Look at the path as it was sent; decoded, both are the same."""
        last = scope.get("raw_path", b"/windows").rpartition(b"/")[2]
        if unquote_to_bytes(last) != b"windows":
            return Match.NONE, {}
        return super().matches(scope)


router = APIRouter(
    tags=["sensors"],
    responses={n: {"model": Problem} for n in (401, 404, 422, 503)},
    route_class=ApartRoute,
)


@router.get("/api/sensors/{sensor:path}/windows", response_model=Windows)
async def list_windows(
    request: Request,
    sensor: str,
    *,
    size: Annotated[
        str, Query(description="One of RILLET_WINDOWS; default: the finest.", examples=["1m"])
    ] = "",
    begin: Annotated[
        int | None,
        Query(alias="from", ge=-FOREVER_MS, le=FOREVER_MS, description="Ms since 1970."),
    ] = None,
    end: Annotated[
        int | None, Query(alias="to", ge=-FOREVER_MS, le=FOREVER_MS, description="Ms since 1970.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=5000, description="The newest so many.")] = 500,
) -> Response:
    """Return a sensor's windows of one size that overlap [from, to), oldest first.

    Closed windows are exact and do not change; those that are `open` may get more readings.
    """
    shared = request.app.state.shared
    sizes = shared.settings.window_sizes
    chosen = _choose(size, sizes)
    count = chosen.keep
    if end is None:  # the list's end is enough, with what clocks that go ahead have closed
        ahead = shared.settings.future_skew_ms // chosen.ms + 2
        since = limit if begin is None else max(0, now_ms() - begin) // chosen.ms + ahead
        count = min(chosen.keep, since)
    found = await shared.store.everything(sensor.encode("utf-8", "replace"), {chosen.name: count})
    if not found.fields:
        raise HTTPException(404, f"No reading of a sensor {sensor!r} has been folded.")
    from_ms = -FOREVER_MS if begin is None else begin
    to_ms = FOREVER_MS if end is None else end
    items = await run_in_threadpool(windows_of, found, chosen, from_ms, to_ms, sizes)
    answer = {"sensor": sensor, "size": chosen.name, "items": items[-limit:]}
    return cached(request, orjson.dumps(answer))


def _choose(name: str, sizes: Sequence[Size]) -> Size:
    """Return the size of this name, or the finest; answer 422 where there is none."""
    with suppress(ValueError):
        name = name_of(parse_span_ms(name))
    for one in sizes:
        if name in ("", one.name):
            return one
    known = ", ".join(size.name for size in sizes) or "none, as RILLET_WINDOWS is empty"
    raise HTTPException(422, f"size: choose one of those kept: {known}.")
