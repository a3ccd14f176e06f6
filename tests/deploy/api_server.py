"""A stand-in for the Kubernetes API server: takes the Secrets that the Job makes, nothing else."""

import base64
import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from tests.topology import make_certificates

TOKEN = "token-of-the-service-account"


class ApiServer(ThreadingHTTPServer):
    """Keeps what it was given; `refusals` are answered first, with 403."""

    def __init__(self, host: str, folder: Path) -> None:
        super().__init__((host, 0), _Handler)
        self.secrets: dict[str, dict[str, bytes]] = {}
        self.refusals = 0
        # What the kubelet mounts into a pod with a service account.
        self.account = folder / "account"
        self.account.mkdir()
        made = make_certificates(folder, host)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(made / "server.pem", made / "server.key")
        self.socket = context.wrap_socket(self.socket, server_side=True)
        (made / "ca.pem").rename(self.account / "ca.crt")
        (self.account / "token").write_text(TOKEN)
        (self.account / "namespace").write_text("rillet")


class _Handler(BaseHTTPRequestHandler):
    server: ApiServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(self._status(body))
        self.end_headers()
        self.wfile.write(b"{}")

    def _status(self, body: Any) -> int:
        if self.server.refusals or self.headers["Authorization"] != f"Bearer {TOKEN}":
            self.server.refusals -= 1
            return 403
        if self.path != "/api/v1/namespaces/rillet/secrets" or body["kind"] != "Secret":
            return 404
        name = body["metadata"]["name"]
        if name in self.server.secrets:
            return 409
        self.server.secrets[name] = {k: base64.b64decode(v) for k, v in body["data"].items()}
        return 201

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def api_server(host: str, folder: Path) -> Iterator[ApiServer]:
    """Serve on a free port of that address until the block ends."""
    server = ApiServer(host, folder)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
