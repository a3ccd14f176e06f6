"""So many clients of an SSE stream in one process; counts frames and times them by their id."""

import asyncio
import json
import sys
import time
from typing import cast

import uvloop

REQUEST = b"GET /api/stream HTTP/1.1\r\nhost: bench\r\n\r\n"
AT_ONCE = 50

SETTLE_S = 60
"""A server whose clients have not all got their first event by then is not measured."""


class Counts:
    """What all the clients saw since the last reset."""

    served = 0
    frames = 0
    bytes = 0
    lags_ms: list[float] = []  # noqa: RUF012 shared on purpose


class Listener(asyncio.Protocol):
    """Looks for ids only: parsing would measure this process."""

    fresh = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the stream."""
        cast("asyncio.Transport", transport).write(REQUEST)

    def data_received(self, data: bytes) -> None:
        """Count the frames that begin in these bytes; time the last of them."""
        if self.fresh and b"event: " in data:
            self.fresh = False
            Counts.served += 1
        found = data.count(b"\nid: ")
        Counts.bytes += len(data)
        if found:
            Counts.frames += found
            at = data.rfind(b"\nid: ") + 5
            sent_ms = int(data[at : data.find(b"-", at)] or 0)
            Counts.lags_ms.append(time.time() * 1000 - sent_ms)


async def listen(port: int, clients: int, warm_s: float, seconds: float) -> None:
    """Connect, let it settle, count for so many seconds, print one JSON line, or nothing at all."""
    try:
        async with asyncio.timeout(SETTLE_S):
            await _connect(port, clients)
    except TimeoutError:
        return
    await asyncio.sleep(warm_s)
    Counts.frames, Counts.bytes, Counts.lags_ms = 0, 0, []
    print("begin", flush=True)
    await asyncio.sleep(seconds)
    lags = sorted(Counts.lags_ms) or [float("nan")]
    seen = {
        "frames": Counts.frames,
        "bytes": Counts.bytes,
        "p50_ms": lags[len(lags) // 2],
        "p99_ms": lags[int(len(lags) * 0.99)],
    }
    print(json.dumps(seen), flush=True)
    sys.stdin.readline()


async def _connect(port: int, clients: int) -> None:
    """Return when every client has got its first event."""
    loop = asyncio.get_running_loop()
    for start in range(0, clients, AT_ONCE):
        n = min(AT_ONCE, clients - start)
        await asyncio.gather(
            *(loop.create_connection(Listener, "127.0.0.1", port) for _ in range(n))
        )
    while Counts.served < clients:  # noqa: ASYNC110 an event each would cost what is measured
        await asyncio.sleep(0.1)


if __name__ == "__main__":
    uvloop.run(listen(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])))
