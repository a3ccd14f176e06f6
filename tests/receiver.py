"""A webhook's receiver: a real HTTP server whose answers the test chooses."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Hook:
    """What was posted, and what to answer: a status, or HANG for no answer at all."""

    HANG = 0

    def __init__(self) -> None:
        self.answer = 200
        self.headers: dict[str, str] = {}
        self.tried: list[dict[str, Any]] = []
        self.taken: list[dict[str, Any]] = []
        self.over = threading.Event()
        self.url = ""

    def take(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one POST."""
        said = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        self.tried.append(said)
        answer = self.answer  # the test may change it meanwhile
        if answer == self.HANG:
            self.over.wait()
            return
        if answer == 200:
            self.taken.append(said)  # before the sender knows, who then posts the next
        handler.send_response(answer)
        for name, value in self.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", "2")
        handler.end_headers()
        handler.wfile.write(b"no")


@contextmanager
def receiving() -> Iterator[Hook]:
    """Run a receiver until the block ends."""
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            hook.take(self)

        def log_message(self, *_: object) -> None:
            """Be silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        hook.url = f"http://127.0.0.1:{server.server_port}/hook/secret"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield hook
        hook.over.set()
        server.shutdown()
