"""Writes alert changes in one step, as the fold does: to `alerts`, and the field of `firing`."""

from typing import Any

import orjson
import redis

from rillet.keys import Keys

FIRING = {
    "sensor": "greenhouse-1",
    "rule": "too-hot",
    "type": "limit",
    "state": "firing",
    "value": "31.5",
    "threshold": "> 30",
    "ts": "1795484873000",
    "at": "1795484873101",
    "id": "1795484873101-0",
    "message": "greenhouse-1 is at 31.5, above 30",
}


def change(client: redis.Redis, keys: Keys, **fields: str) -> str:
    """Write one change of an alert; `fields` differ from FIRING. Return its entry id."""
    alert: dict[Any, Any] = FIRING | fields
    field = f"{alert['rule']}:{alert['sensor']}"
    with client.pipeline(transaction=True) as step:
        if alert["state"] == "firing":
            step.hset(keys.firing, field, orjson.dumps(alert | {"since": alert["ts"]}).decode())
        else:
            step.hdel(keys.firing, field)
        step.xadd(keys.alerts, alert)
        _, entry = step.execute()
    return str(entry.decode())
