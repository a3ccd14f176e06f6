"""Builds the API: what it shares, its routes, its middleware; also for uvicorn's workers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import redis.asyncio
import structlog
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from api import access, alerts, health, ingest, inspect, metrics, rules, sensors, streams, windows
from api.access import Gate, Tokens
from api.backlog import Backlog
from api.board import Board
from api.docs import add_docs
from api.ending import end_broken
from api.handover import Handover
from api.headers import SecurityHeaders
from api.hub import Hub
from api.lag import tell_lag
from api.memory import Memory
from api.metrics import Counts
from api.origin import Origins, listed
from api.page import page
from api.problems import add_handlers
from api.reader import Reader
from api.seats import Seats
from api.snapshots import Snapshots
from api.store import Store
from api.tail import Tail
from api.unrouted import add_unrouted
from rillet import __version__
from rillet.address import parse_address
from rillet.connect import connect_async
from rillet.environment import load_settings
from rillet.keys import partition_keys
from rillet.log import configure_logging
from rillet.settings import Settings

CANCEL_AGAIN_S = 0.1

ANSWER_S = 3.0
"""How long a request waits for Redis; the reader's own connection has its time for itself."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Shared:
    """What the routes of one process share; found as `request.app.state.shared`."""

    settings: Settings
    client: redis.asyncio.Redis
    reader: Reader
    store: Store
    snapshots: Snapshots
    hub: Hub
    board: Board
    backlog: Backlog
    seats: Seats
    counts: Counts


def share(settings: Settings) -> Shared:
    """Make the process's connections, tail and hub; nothing is sent to Redis yet."""
    keys = partition_keys(settings)
    tail = Tail(settings.partitions, settings.sse_tail_max)
    board = Board()
    board.on_change = tail.changed.set
    client = connect_async(settings, answer_s=ANSWER_S)
    store = Store(client, keys)
    hub = Hub(
        tail,
        board,
        hz=settings.sse_hz,
        heartbeat_s=settings.sse_heartbeat_s,
        drop_s=settings.sse_drop_s,
    )
    apart = parse_address(settings.redis_url.get_secret_value()).kind == "cluster"
    reader = Reader(connect_async(settings), keys, tail, board, apart=apart)
    reader.on_change = hub.tell_redis
    return Shared(
        settings,
        client,
        reader,
        store,
        Snapshots(store, tail),
        hub,
        board,
        Backlog(store),
        Seats(settings),
        Counts(),
    )


def create_app(settings: Settings) -> FastAPI:
    """Return the ASGI application; its connections open with its lifespan."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            shared = share(settings)
            app.state.shared = shared
            stack.push_async_callback(shared.client.aclose)
            stack.push_async_callback(shared.reader.client.aclose)
            lag = tell_lag(shared.hub, shared.backlog, Memory(shared.client))
            for work in (*shared.reader.work(), shared.hub.run(), lag):
                task = asyncio.create_task(work)
                task.add_done_callback(_end_with)
                stack.push_async_callback(cancel, task)
            yield

    app = FastAPI(
        title="Rillet",
        version=__version__,
        description="Exact running statistics of sensors, as snapshots and as a stream.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.tokens = Tokens(settings)
    for part in (
        access,
        health,
        ingest,
        inspect,
        metrics,
        alerts,
        rules,
        windows,
        sensors,
        streams,
    ):
        app.include_router(part.router)
    add_unrouted(app)
    add_docs(app)  # a route that is added later would make its document anew
    add_handlers(app)
    _add_middleware(app, settings)
    app.mount("/", page(), name="web")
    return app


def _add_middleware(app: FastAPI, settings: Settings) -> None:
    """Wrap the application; the last one added sees a request first."""
    app.add_middleware(Gate, tokens=app.state.tokens, origins=Origins(settings))
    origins = listed(settings)
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Last-Event-ID", "Content-Type"],
        )
    app.add_middleware(SecurityHeaders)


def create_app_from_environment() -> ASGIApp:
    """Return the application of one uvicorn worker, which has only its environment."""
    settings = load_settings()
    configure_logging(settings)
    return Handover(create_app(settings))


def _end_with(task: asyncio.Task[Any]) -> None:
    """End the process with a task that it cannot live without: whoever runs it starts another."""
    if not task.cancelled() and (fault := task.exception()):
        log.critical("process.broken", exc_info=fault)
        end_broken()


async def cancel(task: asyncio.Task[Any]) -> None:
    """Cancel a task until it has ended.

    Python 3.11's `asyncio.wait_for`, which redis-py sends with, forgets a cancellation that comes
    just as what it waits for is done (https://bugs.python.org/issue37658; mended in 3.12).
    """
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=CANCEL_AGAIN_S)
