"""What the page shows is what it was told, and what it was told long ago does not look like now."""

from playwright.sync_api import Page, expect

from tests.browser.rows import DASH, now_row
from tests.browser.stub import Stub


def test_lag_is_what_the_server_says(page: Page, stub: Stub) -> None:
    """The tile counts the entries that wait; no reading that comes is taken for an answer."""
    stub.rows["a"] = now_row("a")
    page.goto(stub.url)
    expect(page.locator(".card")).to_have_count(1)
    lag = page.locator("[data-tile=lag]")
    expect(lag).to_have_text(DASH)
    stub.send("status", {"lag": 1240})
    expect(lag).to_have_text("1,240")
    stub.send("status", {"redis": "away"})
    expect(lag).to_have_text(DASH)
    stub.send("status", {"redis": "ok"})
    stub.send("stats", [now_row("a", count=7)])
    expect(page.locator(".card [data-field=count]")).to_have_text("7")
    expect(lag).to_have_text("1,240")
