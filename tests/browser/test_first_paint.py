"""How soon the page shows its first sensor: by the clock, and by the work that it takes."""

import json
import os
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.stack import Stack

LOADS = 9
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


def test_first_card_within_300_ms(browser: Browser, page: Page, served: Stack) -> None:
    """With an empty cache the first card is painted within 300 ms; the best of nine loads.

    By the clock where the machine has a core to spare. Where it has none, the clock tells of the
    others: then the page's main thread must have worked for less than that.
    """
    served.add("a", 1.0)
    page.add_init_script(USEFUL)
    found = [load(browser, page, served) for _ in range(LOADS)]
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
