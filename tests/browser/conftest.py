"""A real Chromium for the tests; without one they are skipped with one line, except in CI."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from rillet.embedded import EmbeddedServer, packaged_server
from tests.browser.chromium import find, launch
from tests.browser.stack import Stack
from tests.browser.stub import Stub

expect.set_options(timeout=40_000)  # what has happened is seen at once; this bounds a failure


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything in this folder `browser`."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Close it after each module: Playwright holds an event loop, which asyncio tests need."""
    if find() is None:
        line = "no Chromium on PATH: `sudo apt-get install chromium`, or install Google Chrome"
        if os.environ.get("CI") == "true":
            pytest.fail(line)
        pytest.skip(line)
    with sync_playwright() as play:
        running = launch(play)
        yield running
        running.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Open a page of a laptop's size; CSP refusals and exceptions on it fail the test."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    opened = context.new_page()
    wrong: list[str] = []
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("console", lambda said: wrong.append(said.text) if _is_ours(said) else None)
    opened.on("request", lambda sent: None if _is_local(sent.url) else wrong.append(sent.url))
    opened.set_default_timeout(40_000)
    yield opened
    context.close()
    assert wrong == []


@pytest.fixture
def stub() -> Iterator[Stub]:
    serving = Stub()
    serving.start()
    yield serving
    serving.stop()


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with ExitStack() as alive:
        server = alive.enter_context(EmbeddedServer(binary=packaged_server()))
        yield Stack(server, alive)


@pytest.fixture
def served(stack: Stack) -> Iterator[Stack]:
    stack.client.flushall()
    with stack.serve():
        yield stack


def _is_ours(said: ConsoleMessage) -> bool:
    """Tell a fault of the page from the browser's own line about a server that was stopped."""
    return said.type == "error" and not said.text.startswith("Failed to load resource")


def _is_local(url: str) -> bool:
    """Tell whether a request stays on this machine: the page must work without any other."""
    return url.startswith(("http://127.0.0.1:", "data:", "blob:"))
