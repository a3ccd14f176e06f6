"""`GET /api/inspect`: where one sensor's figures lie in Redis; where to send a first reading."""

import shlex
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from api.problems import Problem
from api.terminal import redis_cli
from rillet.alert import from_entry
from rillet.keys import partition_keys, partition_of

LOOKED_THROUGH = 1000
"""The newest entries of `rejects` and of `alerts` that are searched for the sensor."""

SHOWN = 20

FIRST = "soil-1"
"""The sensor of the line that sends a first reading."""

router = APIRouter(tags=["sensors"])


class Inspection(BaseModel):
    """What a person needs to look into one sensor."""

    key: str = Field(description="The hash's key.", examples=["stats:soil-1"])
    command: str = Field(description="The line that shows the hash on a terminal.")
    rejects: list[dict[str, Any]] = Field(description="id, code, reason, fields; newest first.")
    alerts: list[dict[str, Any]] = Field(
        description="Its changes, as in /api/alerts; newest first."
    )


class FirstReading(BaseModel):
    """How to send a reading to this very server."""

    command: str = Field(description="The line that sends a reading on a terminal.")


@router.get("/api/inspect/first")
async def first_reading(request: Request) -> FirstReading:
    """Return the redis-cli line that sends a reading into the right stream of this server."""
    shared = request.app.state.shared
    keys = partition_keys(shared.settings)[partition_of(FIRST, shared.settings.partitions)]
    line = await redis_cli(shared.settings, shared.client)
    reading = ["sensor", FIRST, "value", "0.42"]
    return FirstReading(command=shlex.join([*line, "XADD", keys.readings, "*", *reading]))


@router.get("/api/inspect", responses={n: {"model": Problem} for n in (422, 503)})
async def inspect(
    request: Request, sensor: Annotated[str, Query(description="The sensor's name.")]
) -> Inspection:
    """Return one sensor's key, the redis-cli line for it, and its newest rejects and alerts."""
    shared = request.app.state.shared
    keys = partition_keys(shared.settings)[partition_of(sensor, shared.settings.partitions)]
    line = await redis_cli(shared.settings, shared.client)
    rejects = await _newest(shared.client, keys.rejects, b"field:sensor", sensor)
    alerts = await _newest(shared.client, keys.alerts, b"sensor", sensor)
    return Inspection(
        key=keys.stats(sensor),
        command=shlex.join([*line, "HGETALL", keys.stats(sensor)]),
        rejects=[_reject(fields) for _, fields in rejects],
        alerts=[from_entry(entry, fields) for entry, fields in alerts],
    )


async def _newest(
    client: Any, stream: str, field: bytes, sensor: str
) -> list[tuple[bytes, dict[bytes, bytes]]]:
    entries = await client.xrevrange(stream, count=LOOKED_THROUGH)
    return [entry for entry in entries if entry[1].get(field) == sensor.encode()][:SHOWN]


def _reject(raw: dict[bytes, bytes]) -> dict[str, Any]:
    fields = {_text(name): _text(value) for name, value in raw.items()}
    own = {
        name.removeprefix("field:"): value
        for name, value in fields.items()
        if name.startswith("field:")
    }
    rest = {name: value for name, value in fields.items() if not name.startswith("field:")}
    return rest | {"fields": own}


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
