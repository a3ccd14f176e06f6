"""How soon the page shows its first card of twenty: by the clock, and by the work it takes."""

import json
import os
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.field import Field
from tests.browser.rows import now_ms
from tests.browser.stack import Stack
from tests.waiting import until

LOADS = 9
ROUNDS = 20
MOST_MS = 300
CATEGORIES = ["-*", "toplevel", "__metadata"]

# The frame after the one in which the first card has its value.
USEFUL = """window.useful = new Promise((tell) => {
    const look = () => {
        const there = document.querySelector(".card .value")?.textContent;
        requestAnimationFrame(there ? () => tell(performance.now()) : look);
    };
    look();
});"""

pytestmark = pytest.mark.slow  # a figure of speed says something only beside little else


@pytest.fixture
def twenty(served: Stack) -> Stack:
    """Return a stack with as many sensors as the demo has, each with a few readings."""
    field = Field()
    for ago_s in range(ROUNDS, 0, -1):
        field.send(served.client, now_ms() - 1000 * ago_s)
    key = f"stats:{list(field.base)[-1]}"
    until(lambda: served.client.hget(key, "count") == b"%d" % ROUNDS)
    return served


def test_first_card_within_300_ms(browser: Browser, page: Page, twenty: Stack) -> None:
    """With an empty cache the first card of twenty is there within 300 ms; the best of nine loads.

    By the clock where the machine has a core to spare. Where it has none, the clock tells of the
    others: then the page's main thread must have worked for less than that.
    """
    page.add_init_script(USEFUL)
    found = [load(browser, page, twenty) for _ in range(LOADS)]
    assert min(worked for _, worked in found) < MOST_MS, found
    if os.getloadavg()[0] < (os.cpu_count() or 1):
        assert min(took for took, _ in found) < MOST_MS, found


def load(browser: Browser, page: Page, stack: Stack) -> tuple[float, float]:
    """Load the page anew; return the ms to its first card, and its main thread's work in them."""
    session = page.context.new_cdp_session(page)
    session.send("Network.clearBrowserCache")
    page.goto("about:blank")
    browser.start_tracing(page=page, categories=CATEGORIES)
    stack.open(page)
    took = page.evaluate("window.useful")
    return took, main_thread_ms(json.loads(browser.stop_tracing())["traceEvents"])


def main_thread_ms(events: list[dict[str, Any]]) -> float:
    """Return the processor time of the busiest renderer's main thread, in ms."""
    spent: dict[tuple[int, int], float] = {}
    for event in events:
        if event.get("name") == "thread_name" and event["args"]["name"] == "CrRendererMain":
            spent[event["pid"], event["tid"]] = 0.0
    for event in events:
        thread = (event["pid"], event["tid"])
        if event["name"] == "ThreadControllerImpl::RunTask" and thread in spent:
            spent[thread] += event.get("tdur", 0) / 1000
    return max(spent.values())
