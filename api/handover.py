"""Runs long responses after the layers that began them are gone: they would cost memory as long.

Middleware, routing and the request object of FastAPI hold about 10 KB a request. A stream lasts
for days and needs them only until its head is sent.
"""

import asyncio
from collections.abc import Awaitable, Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from api.problems import STOPPING, problem
from api.protocol import CONNECTION

WORK = "rillet.work"
KEPT = frozenset({"type", "method", "state"})
"""What the server and the response still ask the scope for once the head is sent."""

Work = Callable[[Scope, Receive, Send], Awaitable[None]]


def hand_over(scope: Scope, work: Work) -> None:
    """Have `work` run once the layers around this response have returned."""
    scope["state"][WORK] = work


class Handover:
    """ASGI, around the whole application."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; then do what was handed over, if anything."""
        try:
            await self.app(scope, receive, send)
        except asyncio.CancelledError:  # uvicorn's grace after SIGTERM is over
            if scope["state"][CONNECTION].cycle.response_started:
                raise
            await problem(503, STOPPING, retry=True)(scope, receive, send)
        work: Work | None = scope.get("state", {}).pop(WORK, None)
        if work is not None:
            if "headers" in scope:
                scope["headers"].clear()  # the connection holds the same list
            for name in scope.keys() - KEPT:
                del scope[name]
            await work(scope, receive, send)
