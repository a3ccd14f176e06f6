"""`/healthz`: the process lives. `/readyz`: it can serve."""

import asyncio

from fastapi import APIRouter, Request, Response

from api.reader import GONE

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """Answer as long as the process does; asks nobody else."""
    return {"status": "ok"}


@router.get("/readyz")
async def readyz(request: Request, response: Response) -> dict[str, str]:
    """Answer 200 when Redis answers, else 503 with the reason."""
    try:
        async with asyncio.timeout(2):
            await request.app.state.shared.client.ping()
    except GONE:
        response.status_code = 503
        return {"status": "Redis does not answer"}
    return {"status": "ok"}
