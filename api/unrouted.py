"""What no route below /api answers: 405 where another method would do, else 404, never a page."""

from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import Match

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def add_unrouted(app: FastAPI) -> None:
    """Add the route that is asked after all others below /api."""
    app.add_route("/api/{rest:path}", _unrouted, METHODS, include_in_schema=False)


async def _unrouted(request: Request) -> Any:
    allowed = _methods_of(request)
    if allowed:
        names = ", ".join(sorted(allowed))
        detail = f"{request.url.path} takes {names}, not {request.method}."
        raise HTTPException(405, detail, {"Allow": names})
    raise HTTPException(404, f"There is no {request.url.path}; /docs lists what there is.")


def _methods_of(request: Request) -> set[str]:
    """Return the methods with which another route would take this path."""
    before = []
    for route in request.app.routes:  # in the order in which they are asked
        if getattr(route, "endpoint", None) is _unrouted:
            break
        before.append(route)
    return {
        method
        for method in METHODS
        if any(one.matches({**request.scope, "method": method})[0] is Match.FULL for one in before)
    }
