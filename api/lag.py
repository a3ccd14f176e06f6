"""Tells every open stream how many entries wait to be folded, and whether Redis is full.

Both are looked at once a second, and told where they changed.
"""

import asyncio
import time

from api.backlog import Backlog
from api.hub import BURST, Client, Hub
from api.memory import Memory
from api.protocol import as_chunk
from api.reader import GONE

TELL_S = 1.0


async def tell_lag(hub: Hub, backlog: Backlog, memory: Memory) -> None:
    """Ask and tell until cancelled. While Redis is away there is nothing to tell but that."""
    while True:
        await asyncio.sleep(TELL_S)
        if not hub.clients:
            continue
        try:
            lag, full = sum(await backlog.lags()), await memory.full()
        except GONE:
            continue
        await _tell(hub, lag, full)


async def _tell(hub: Hub, lag: int, full: bool) -> None:
    now = time.monotonic()
    for n, client in enumerate(list(hub.clients)):
        if n % BURST == BURST - 1:
            await asyncio.sleep(0)
        news = b"" if client not in hub.clients else _news(client, lag, full)
        if news and not client.sending and not client.stuck(now):
            client.told_lag, client.told_full = lag, full
            hub.offer(client, as_chunk(news), now)


def _news(client: Client, lag: int, full: bool) -> bytes:
    """Return the events that tell a client what it does not know."""
    news = b""
    if client.told_lag != lag:
        news += b'event: status\ndata: {"lag":%d}\n\n' % lag
    if client.told_full != full:
        news += b'event: status\ndata: {"memory":"%s"}\n\n' % (b"full" if full else b"ok")
    return news
