"""`/healthz`: the process lives. `/readyz`: it can serve."""

import asyncio

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from api.problems import Problem, problem
from api.reader import GONE

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """Answer as long as the process does; asks nobody else."""
    return {"status": "ok"}


@router.get("/readyz", responses={503: {"model": Problem}})
async def readyz(request: Request) -> Response:
    """Answer 200 when Redis answers, results are followed and the backlog is bounded."""
    shared = request.app.state.shared
    try:
        async with asyncio.timeout(2):
            lag = await shared.backlog.largest()
    except GONE:
        return problem(503, "Redis does not answer.", retry=True)
    if not shared.reader.connected:
        return problem(503, "The results are not followed yet.", retry=True)
    if lag > shared.settings.ready_lag_max:
        return problem(503, f"{lag} readings wait to be folded.", retry=True)
    return JSONResponse({"status": "ok", "lag": lag})
