"""Nothing moves and nothing sticks out: while the page loads, and with long names."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.rows import now_row
from tests.browser.stub import Stub

SHIFTS = """window.shift = 0;
new PerformanceObserver(list => list.getEntries().forEach(one => { window.shift += one.value; }))
    .observe({type: "layout-shift", buffered: true});"""


@pytest.mark.parametrize("width", [320, 360, 1440])
def test_nothing_moves_while_the_page_loads(page: Page, stub: Stub, width: int) -> None:
    """The frame that comes first has room for all that is filled in later, scripts late or not."""
    stub.rows["a"] = now_row("a")
    page.set_viewport_size({"width": width, "height": 740})
    page.add_init_script(SHIFTS)
    page.route("**/js/main.js", lambda route: (painted(page), route.continue_()))
    page.goto(stub.url)
    expect(page.locator(".card .value")).to_have_text("21.00")
    expect(page.locator("[data-tile=live]")).to_have_text("1")
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert page.evaluate("window.shift") < 0.01


def painted(page: Page) -> None:
    """Wait until the frame without its scripts is on the screen."""
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


@pytest.mark.parametrize("width", [320, 700, 800, 1024])
def test_long_kind_does_not_widen_the_page(page: Page, stub: Stub, width: int) -> None:
    """A kind of 64 wide letters leaves the list of kinds within the screen."""
    stub.rows["a"] = now_row("a", kind="W" * 64)
    page.set_viewport_size({"width": width, "height": 740})
    page.goto(stub.url)
    expect(page.locator("#kind option")).to_have_count(2)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
