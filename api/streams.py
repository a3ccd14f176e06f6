"""The route of the SSE stream."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from pydantic import StringConstraints
from starlette.responses import Response

from api.problems import Problem, problem
from api.protocol import CONNECTION
from api.stream import Relay

SENSORS_MAX = 100
"""Sensors one stream may name; who wants more takes all."""

router = APIRouter(tags=["stream"])

Name = Annotated[str, StringConstraints(min_length=1, max_length=128)]


@router.get(
    "/api/stream",
    response_class=Response,
    responses={
        200: {"content": {"text/event-stream": {}}, "description": "Events, until either ends it."},
        **{n: {"model": Problem} for n in (401, 422, 429, 503)},
    },
)
async def stream(
    request: Request,
    sensor: Annotated[
        list[Name] | None, Query(description="Only these sensors.", max_length=SENSORS_MAX)
    ] = None,
    last_event_id: Annotated[str, Header(description="Resume after this event.")] = "",
) -> Response:
    """Stream statistics as Server-Sent Events: a `snapshot`, then `stats` with what changed.

    Each event carries a JSON array, one object a sensor. A client that reconnects with
    `Last-Event-ID` gets what it missed; `resync` says that too much of it is gone, and a snapshot
    follows. `status` says that Redis went away or came back, or how many entries wait. `alerts`
    lists what fires now, and `alert` is one change of that.
    """
    shared = request.app.state.shared
    address = request.client.host if request.client else ""
    refused: Response | None = shared.seats.refusal(address)
    if refused is not None:
        return refused
    connection = request.scope["state"].get(CONNECTION)
    if connection is None:
        return problem(503, "This server cannot stream; start the API with `rillet serve`.")
    return Relay(
        shared.hub,
        shared.snapshots,
        connection,
        seats=(shared.seats, address),
        wanted=frozenset(name.encode() for name in sensor) if sensor else None,
        last_event_id=last_event_id,
        retry_ms=shared.settings.sse_retry_ms,
    )
