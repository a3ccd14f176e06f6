"""The route of the SSE stream."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import Response

from api.protocol import ABORT
from api.stream import Relay

router = APIRouter(tags=["stream"])


@router.get("/api/stream", response_class=Response)
async def stream(
    request: Request,
    sensor: Annotated[list[str] | None, Query(description="Only these sensors.")] = None,
    last_event_id: Annotated[str, Header(description="Resume after this event.")] = "",
) -> Response:
    """Stream statistics as Server-Sent Events: a `snapshot`, then `stats` with what changed.

    Each event carries a JSON array, one object a sensor. A client that reconnects with
    `Last-Event-ID` gets what it missed; `resync` says that too much of it is gone, and a snapshot
    follows.
    """
    shared = request.app.state.shared
    abort: Any = request.scope.get("state", {}).get(ABORT, _cannot)
    return Relay(
        shared.hub,
        shared.snapshots,
        wanted=frozenset(name.encode() for name in sensor) if sensor else None,
        last_event_id=last_event_id,
        abort=abort,
        retry_ms=shared.settings.sse_retry_ms,
    )


def _cannot() -> None:
    """Stand for the abort of a server other than ours: its own time-outs must do."""
