"""A stand-in for the API with the same wire contract, whose every frame a test chooses."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route

from api.page import page
from rillet.embedded import free_port

CSP = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"


class Stub:
    """Serves web/ and a stream to which `send` adds events; `token` set makes it ask for one."""

    def __init__(self, token: str = "") -> None:
        self.token = token
        self.port = free_port()
        self.rows: dict[str, dict[str, Any]] = {}
        self.hung = 0  # so many of the next streams are never answered
        self.mute = 0  # so many of the next streams get no snapshot after their first line
        self.pieces = 1  # a snapshot comes in so many, each after the first when `drip` is called
        self.answers: dict[str, object] = {
            "alerts": {"active": [], "recent": []}
        }  # path below api/ (with query or not) -> JSON
        self.asked: list[str] = []
        self.sent = 0  # bytes of streams, without what `send` adds
        self.asked_ids: list[str | None] = []
        self.clients: list[asyncio.Queue[str]] = []
        self._sequence = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: uvicorn.Server | None = None
        self._thread = threading.Thread()

    @property
    def url(self) -> str:
        """The page's address."""
        return f"http://127.0.0.1:{self.port}/"

    def send(self, name: str, data: object) -> None:
        """Send one event to every client; `stats` rows also stay for later snapshots."""
        if name == "stats" and isinstance(data, list):
            self.rows.update({row["sensor"]: row for row in data})
        frame = f"event: {name}\ndata: {json.dumps(data)}\n\n"
        if not name.startswith("alert"):  # an alert has no id
            self._sequence += 1
            frame = f"id: {self._sequence}-0\n{frame}"
        if self._loop:
            self._loop.call_soon_threadsafe(lambda: [q.put_nowait(frame) for q in self.clients])

    async def _stream(self, request: Request) -> Response:
        if self._locked(request):
            return JSONResponse({"title": "token needed"}, status_code=401)
        self._loop = asyncio.get_running_loop()
        if self.hung:
            self.hung -= 1
            await asyncio.sleep(3600)
        self.asked_ids.append(request.headers.get("last-event-id"))
        return StreamingResponse(self._frames(), media_type="text/event-stream")

    async def _frames(self) -> AsyncIterator[str]:
        queue: asyncio.Queue[str] = asyncio.Queue()
        self.clients.append(queue)
        first = "retry: 1000\n\n"
        self.sent += len(first)
        yield first
        muted, self.mute = self.mute > 0, max(0, self.mute - 1)
        try:
            for piece in [] if muted else self._snapshot():
                self.sent += len(piece)
                yield piece
                if self.pieces > 1:
                    await queue.get()
            while True:
                yield await queue.get()
        finally:
            self.clients.remove(queue)

    def _snapshot(self) -> list[str]:
        rows = json.dumps(list(self.rows.values()))
        frame = f"id: {self._sequence}-0\nevent: snapshot\ndata: {rows}\n\n"
        known: Any = self.answers.get("alerts", {})
        frame += f"event: alerts\ndata: {json.dumps(known.get('active', []))}\n\n"
        length = -(-len(frame) // self.pieces)
        return [frame[i : i + length] for i in range(0, len(frame), length)]

    def drip(self) -> None:
        """Let the next piece of a snapshot go out."""
        self.send("drip", {})

    def _locked(self, request: Request) -> bool:
        return bool(self.token) and request.cookies.get("rillet") != self.token

    async def _login(self, request: Request) -> Response:
        if (await request.json()).get("token") != self.token:
            return JSONResponse({"title": "wrong token"}, status_code=401)
        answer = Response(status_code=204)
        answer.set_cookie("rillet", self.token, httponly=True, samesite="strict")
        return answer

    async def _answer(self, request: Request) -> Response:
        """Answer what `answers` holds for this path, with or without its query."""
        path = request.path_params["rest"]
        asked = f"{path}?{request.url.query}"
        self.asked.append(asked)
        found = self.answers.get(asked, self.answers.get(path))
        if found is None:
            return JSONResponse({"title": "not found"}, status_code=404)
        return JSONResponse(found)

    def app(self) -> Starlette:
        """Return the ASGI application."""
        routes = [
            Route("/api/stream", self._stream),
            Route("/api/login", self._login, methods=["POST"]),
            Route("/api/{rest:path}", self._answer),
            Mount("/", page()),
        ]
        return Starlette(routes=[Mount("/some/prefix", routes=routes), *routes])

    def start(self) -> None:
        """Serve in a thread; again on the same port after `stop`."""
        config = uvicorn.Config(
            self.app(),
            port=self.port,
            log_level="critical",
            timeout_graceful_shutdown=0,
            headers=[("Content-Security-Policy", CSP)],
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()
        while not self._server.started and self._thread.is_alive():
            self._thread.join(0.01)

    def stop(self) -> None:
        """End the server and its connections."""
        if self._server:
            self._server.should_exit = True
            self._thread.join()
            self._server = None


def row(sensor: str, **fields: object) -> dict[str, Any]:
    """Return one sensor's complete row, with what `fields` says."""
    plain: dict[str, Any] = {
        "sensor": sensor,
        "count": 2,
        "mean": 20.5,
        "variance": 0.25,
        "stddev": 0.5,
        "stddev_sample": 0.7071067811865476,
        "min": 20.0,
        "max": 21.0,
        "sum": 41.0,
        "last": 21.0,
        "first_ts": 1_764_000_000_000,
        "last_ts": 1_764_000_001_000,
        "duplicates": 0,
        "gaps": 0,
        "rejected": 0,
        "restarts": 0,
        "last_id": "1764000001000-0",
        "kind": "temperature",
        "unit": "°C",
    }
    return plain | fields


def pane(start: int, size_ms: int = 60_000, **fields: object) -> dict[str, Any]:
    """Return one closed pane as the API sends it, with what `fields` says."""
    plain: dict[str, Any] = {
        "start": start,
        "end": start + size_ms,
        "count": 60,
        "mean": 20.5,
        "stddev": 0.5,
        "min": 19.0,
        "max": 22.0,
        "sum": 1230.0,
        "first": 20.0,
        "last": 21.0,
        "p50": 20.4,
        "p90": 21.2,
        "p99": 21.9,
    }
    return plain | fields


def alert(sensor: str, rule: str = "too-hot", state: str = "firing", **fields: object) -> Any:
    """Return one change of an alert's state as the stream sends it, with what `fields` says."""
    plain: dict[str, Any] = {
        "sensor": sensor,
        "rule": rule,
        "type": "limit",
        "state": state,
        "value": 31.2,
        "threshold": "high 30",
        "ts": 1_764_000_001_000,
        "at": 1_764_000_001_005,
        "id": "1764000001000-0",
        "message": f"{sensor}: 31.2 is above 30",
    }
    return plain | fields
