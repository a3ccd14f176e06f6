"""The real stack for the browser's tests: server, processor and API as processes."""

from contextlib import ExitStack

import redis
from playwright.sync_api import Error, Page, expect

from rillet.embedded import EmbeddedServer, free_port
from tests.processes import running
from tests.waiting import until


class Stack:
    """A running Rillet whose API can be stopped and started again on its port."""

    def __init__(self, server: EmbeddedServer, stack: ExitStack) -> None:
        self.client = stack.enter_context(redis.Redis(port=server.port, protocol=2))
        self.server = server
        self.port = free_port()
        stack.enter_context(running(server, "process"))

    @property
    def url(self) -> str:
        """The page's address."""
        return f"http://127.0.0.1:{self.port}/"

    def serve(self) -> ExitStack:
        """Start the API; closing what is returned kills it."""
        alive = ExitStack()
        alive.enter_context(running(self.server, "serve", "--port", str(self.port)))
        return alive

    def add(
        self, sensor: str, *values: float, kind: str = "temperature", unit: str = "°C"
    ) -> dict[bytes, bytes]:
        """Send readings and return the hash as soon as they are all in it."""
        before = int(self.client.hget(f"stats:{sensor}", "count") or 0)
        for value in values:
            reading = {"sensor": sensor, "value": repr(value), "kind": kind, "unit": unit}
            self.client.xadd("readings", reading)
        key, wanted = f"stats:{sensor}", before + len(values)
        until(lambda: int(self.client.hget(key, "count") or 0) == wanted)
        found: dict[bytes, bytes] = self.client.hgetall(key)
        return found

    def open(self, page: Page, route: str = "") -> None:
        """Open the page as soon as the API is ready."""
        until(lambda: self.is_ready(page))
        page.goto(self.url + route)
        expect(page.locator("#link-text")).to_have_text("Live")

    def is_ready(self, page: Page) -> bool:
        """Tell whether the API is."""
        try:
            return page.request.get(f"{self.url}readyz").ok
        except Error:
            return False
