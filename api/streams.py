"""The route of the SSE stream, and the caps on how many are open."""

from collections import Counter
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from pydantic import StringConstraints
from starlette.responses import Response

from api.problems import Problem, problem
from api.protocol import ABORT, SEND
from api.stream import Relay
from rillet.settings import Settings

SENSORS_MAX = 100
"""Sensors one stream may name; who wants more takes all."""

router = APIRouter(tags=["stream"])

Name = Annotated[str, StringConstraints(min_length=1, max_length=128)]


class Seats:
    """Counts the open streams, in all and per client address."""

    def __init__(self, settings: Settings) -> None:
        self.most = settings.sse_max_clients
        self.most_per_address = settings.sse_max_per_address
        self.taken: Counter[str] = Counter()

    def refusal(self, address: str) -> Response | None:
        """Return the answer to one stream too many, or None where there is room."""
        if self.taken.total() >= self.most:
            return problem(503, f"{self.most} streams are open; try again.", retry=True)
        if self.taken[address] >= self.most_per_address:
            said = f"{self.most_per_address} streams from {address} are open; close one."
            return problem(429, said, retry=True)
        return None

    def take(self, address: str) -> None:
        """Count a stream in."""
        self.taken[address] += 1

    def free(self, address: str) -> None:
        """Count a stream out; an address without streams is forgotten."""
        self.taken[address] -= 1
        if not self.taken[address]:
            del self.taken[address]


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
    follows. `status` says that Redis went away or came back.
    """
    shared = request.app.state.shared
    address = request.client.host if request.client else ""
    refused: Response | None = shared.seats.refusal(address)
    if refused is not None:
        return refused
    state = request.scope.get("state", {})
    return Relay(
        shared.hub,
        shared.snapshots,
        seats=(shared.seats, address),
        wanted=frozenset(name.encode() for name in sensor) if sensor else None,
        last_event_id=last_event_id,
        abort=state.get(ABORT, _cannot),
        direct=state.get(SEND),
        retry_ms=shared.settings.sse_retry_ms,
    )


def _cannot() -> None:
    """Stand for the abort of a server other than ours: its own time-outs must do."""
