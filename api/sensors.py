"""The routes of the sensors' current statistics."""

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import Response

from api.encode import encode_array, encode_sensor

router = APIRouter(tags=["sensors"])


@router.get("/api/sensors")
async def list_sensors(request: Request) -> Response:
    """Return the current statistics of every sensor, by name."""
    store = request.app.state.shared.store
    found = await store.read(await store.names())
    items = encode_array([encode_sensor(fields) for fields in found.values()])
    return Response(b'{"items":' + items + b',"next":null}', media_type="application/json")


@router.get("/api/sensors/{sensor}")
async def one_sensor(request: Request, sensor: str) -> Response:
    """Return the current statistics of one sensor."""
    name = sensor.encode()
    found = await request.app.state.shared.store.read([name])
    if name not in found:
        raise HTTPException(404, f"No reading of a sensor {sensor!r} has been folded.")
    return Response(encode_sensor(found[name]), media_type="application/json")
