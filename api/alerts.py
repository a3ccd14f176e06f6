"""`GET /api/alerts`: what fires now, from `firing`, and what changed lately, from `alerts`."""

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from api.etag import cached
from api.models import Alerts
from api.problems import Problem
from api.store import Store
from rillet.alert import Alert, from_entry, from_firing, newest_first

router = APIRouter(tags=["alerts"], responses={n: {"model": Problem} for n in (401, 422, 503)})


@router.get("/api/alerts", response_model=Alerts)
async def list_alerts(
    request: Request,
    sensor: Annotated[str, Query(description="Only those of this sensor.", max_length=128)] = "",
    limit: Annotated[int, Query(ge=1, le=1000, description="The most recent changes.")] = 100,
) -> Response:
    """Return every alert that fires now, and the newest changes, fired and resolved alike.

    With `sensor` the newest 1,000 changes of its partition are looked through.
    """
    store = request.app.state.shared.store
    active = await firing(store)
    recent = await _recent(store, 1000 if sensor else limit)
    if sensor:
        active = [alert for alert in active if alert.get("sensor") == sensor]
        recent = [alert for alert in recent if alert.get("sensor") == sensor]
    return cached(request, orjson.dumps({"active": active, "recent": recent[:limit]}))


async def firing(store: Store) -> list[Alert]:
    """Return every alert that fires now, newest first."""
    found: list[Alert] = []
    for keys in store.keys:
        values: dict[bytes, bytes] = await store.client.hgetall(keys.firing)
        found += [alert for alert in map(from_firing, values.values()) if alert]
    return newest_first(found)


async def _recent(store: Store, limit: int) -> list[Alert]:
    found: list[Alert] = []
    for keys in store.keys:
        entries: Any = await store.client.xrevrange(keys.alerts, count=limit)
        found += [from_entry(entry, fields) for entry, fields in entries]
    return newest_first(found)
