"""Reads a request's body whole, up to a limit of bytes and of time; no route reads it otherwise."""

import asyncio
from typing import Any

from fastapi import Request

from api.problems import ProblemError

SENT_WITHIN_S = 60.0
"""How long a body that is held whole may take to come."""


async def read_body(request: Request, limit_bytes: int, said: str, **more: Any) -> bytearray:
    """Return the body; ProblemError 413 with `said` where it is longer, 408 where it never ends.

    A body that its head already says to be too long is refused before it is sent. `more` are
    further members of the problem document.
    """
    told = request.headers.get("content-length", "")
    if told.isdecimal() and int(told) > limit_bytes:
        raise ProblemError(413, said, **more)
    body = bytearray()
    try:
        async with asyncio.timeout(SENT_WITHIN_S):
            async for piece in request.stream():
                body += piece
                if len(body) > limit_bytes:
                    raise ProblemError(413, said, **more)
    except TimeoutError:
        said = f"The body did not come within {SENT_WITHIN_S:g} s."
        raise ProblemError(408, said, **more) from None
    return body
