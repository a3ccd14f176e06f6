"""Errors as problem+json (RFC 9457): what a client did wrong, or what is away; never a trace."""

from http import HTTPStatus
from typing import Any

import orjson
import redis
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from api.reader import GONE
from rillet.errors import FULL

RETRY_S = "2"
"""What Retry-After says when Redis is away or behind."""

AWAY = "Redis does not answer; try again."
WRONG_TYPE = (
    "A key that this needs is of another type, so someone wrote it by hand: find it with"
    " `redis-cli TYPE`, as docs/redis-layout.md names them, and delete it."
)
STOPPING = "The server is stopping; try again."

log = structlog.get_logger()


class Problem(BaseModel):
    """An error's document; `detail` says what to do."""

    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["No reading of a sensor 'x' has been folded."])


class ProblemError(Exception):
    """Answers a request with a problem document that carries more members than usual."""

    def __init__(self, status: int, detail: str, *, retry: bool = False, **more: Any) -> None:
        super().__init__(detail)
        self.response = problem(status, detail, retry=retry, **more)


def problem(status: int, detail: str, *, retry: bool = False, **more: Any) -> Response:
    """Return the response of one problem; `retry` adds Retry-After."""
    document = {"title": HTTPStatus(status).phrase, "status": status, "detail": detail, **more}
    headers = {"Cache-Control": "no-store"} | ({"Retry-After": RETRY_S} if retry else {})
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(orjson.dumps(document), status, headers, "application/problem+json")


def add_handlers(app: FastAPI) -> None:
    """Make every error of the application a problem document."""

    async def on_http(_: Request, error: Any) -> Response:
        found = problem(error.status_code, str(error.detail))
        found.headers.update(error.headers or {})
        return found

    async def on_invalid(_: Request, error: Any) -> Response:
        faults = [
            {"where": ".".join(str(part) for part in fault["loc"]), "reason": fault["msg"]}
            for fault in error.errors()
        ]
        said = "; ".join(f"{fault['where']}: {fault['reason']}" for fault in faults)
        return problem(422, said, errors=faults)

    async def on_problem(_: Request, error: Any) -> Response:
        found: Response = error.response
        return found

    async def on_left(*_: Any) -> Response:
        return Response(status_code=499)  # nobody sees it: the client has gone

    async def on_gone(_: Request, error: Any) -> Response:
        log.warning("redis.away", fault=f"{type(error).__name__}: {error}")
        return problem(503, WRONG_TYPE if "WRONGTYPE" in str(error) else AWAY, retry=True)

    async def on_full(_: Request, error: Any) -> Response:
        log.warning("redis.full", fault=f"{type(error).__name__}: {error}")
        return problem(507, FULL)

    async def on_any(request: Request, error: Any) -> Response:
        log.error("request.failed", path=request.url.path, exc_info=error)
        return problem(503, "Something failed; the log says what. Try again.", retry=True)

    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(ProblemError, on_problem)
    app.add_exception_handler(ClientDisconnect, on_left)
    for kind in GONE:
        app.add_exception_handler(kind, on_gone)
    app.add_exception_handler(redis.OutOfMemoryError, on_full)
    app.add_exception_handler(Exception, on_any)
