"""Builds the API: what it shares, its routes, its middleware; also for uvicorn's workers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import redis.asyncio
from fastapi import FastAPI

from api import health, inspect, sensors, streams
from api.hub import Hub
from api.page import page
from api.reader import Reader
from api.store import Snapshots, Store
from api.tail import Tail
from rillet import __version__
from rillet.connect import connect_async
from rillet.keys import partition_keys
from rillet.log import configure_logging
from rillet.settings import Settings, load_settings


@dataclass(frozen=True, slots=True)
class Shared:
    """What the routes of one process share; found as `request.app.state.shared`."""

    settings: Settings
    client: redis.asyncio.Redis
    reader: Reader
    store: Store
    snapshots: Snapshots
    hub: Hub


def share(settings: Settings) -> Shared:
    """Make the process's connections, tail and hub; nothing is sent to Redis yet."""
    keys = partition_keys(settings)
    tail = Tail(settings.partitions, settings.sse_tail_max)
    client = connect_async(settings)
    store = Store(client, keys)
    hub = Hub(
        tail,
        hz=settings.sse_hz,
        heartbeat_s=settings.sse_heartbeat_s,
        drop_s=settings.sse_drop_s,
    )
    reader = Reader(connect_async(settings), keys, tail)
    return Shared(settings, client, reader, store, Snapshots(store, tail), hub)


def create_app(settings: Settings) -> FastAPI:
    """Return the ASGI application; its connections open with its lifespan."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            shared = share(settings)
            app.state.shared = shared
            stack.push_async_callback(shared.client.aclose)
            stack.push_async_callback(shared.reader.client.aclose)
            for work in (shared.reader.run(), shared.hub.run()):
                stack.push_async_callback(_cancel, asyncio.create_task(work))
            yield

    app = FastAPI(title="Rillet", version=__version__, lifespan=lifespan)
    for part in (health, inspect, sensors, streams):
        app.include_router(part.router)
    app.mount("/", page(), name="web")
    return app


def create_app_from_environment() -> FastAPI:
    """Return the application of one uvicorn worker, which has only its environment."""
    settings = load_settings()
    configure_logging(settings)
    return create_app(settings)


async def _cancel(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
