"""Tells every open stream how many entries wait to be folded, once a second where it changed."""

import asyncio
import time

from api.backlog import Backlog
from api.hub import BURST, Hub
from api.protocol import as_chunk
from api.reader import GONE

TELL_S = 1.0


async def tell_lag(hub: Hub, backlog: Backlog) -> None:
    """Ask and tell until cancelled. While Redis is away there is nothing to tell but that."""
    while True:
        await asyncio.sleep(TELL_S)
        if not hub.clients:
            continue
        try:
            lag = sum(await backlog.lags())
        except GONE:
            continue
        await _tell(hub, lag)


async def _tell(hub: Hub, lag: int) -> None:
    chunk, now = as_chunk(b'event: status\ndata: {"lag":%d}\n\n' % lag), time.monotonic()
    for n, client in enumerate(list(hub.clients)):
        if n % BURST == BURST - 1:
            await asyncio.sleep(0)
        known = client.told_lag == lag or client not in hub.clients
        if not known and not client.sending and not client.stuck(now):
            client.told_lag = lag
            hub.offer(client, chunk, now)
