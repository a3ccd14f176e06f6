"""What the page shows after a break: figures that went back, and a rate without the backlog."""

from playwright.sync_api import Page, expect

from tests.browser.rows import DASH, figure, now_ms, now_row
from tests.browser.stub import Stub, row
from tests.waiting import until


def test_a_snapshot_replaces_newer_figures(page: Page, stub: Stub) -> None:
    """After Redis came back from an older dump the page shows what is, not what was lost."""
    now = now_ms()
    stub.rows["a"] = row("a", last_id=f"{now}-0", count=469)
    page.goto(stub.url)
    expect(figure(page, "a", "count")).to_have_text("469")
    stub.send("resync", {})
    stub.send("snapshot", [row("a", last_id=f"{now - 5000}-0", count=464)])
    expect(figure(page, "a", "count")).to_have_text("464")
    stub.send("stats", [row("a", last_id=f"{now - 4000}-0", count=465)])
    expect(figure(page, "a", "count")).to_have_text("465")


def test_points_that_were_lost_leave_the_chart(page: Page, stub: Stub) -> None:
    """A sensor that went back has no points of a time that is undone."""
    now = now_ms()
    page.goto(f"{stub.url}#/sensor/a")
    expect(page.locator("#link-text")).to_have_text("Live")
    for i in range(1, 5):
        stub.send("stats", [row("a", last_id=f"{now + i}-0", count=i)])
    stub.send("snapshot", [row("a", last_id=f"{now + 2}-0", count=2)])
    expect(page.locator(".figures [data-field=count]")).to_have_text("2")
    expect(page.locator(".readout")).not_to_be_empty()
    page.evaluate("document.querySelector('.as-table').open = true")
    expect(page.locator(".points tbody tr")).to_have_count(1)


def test_what_was_missed_is_no_rate(page: Page, stub: Stub) -> None:
    """The readings of a break come in one frame after it, and are not this second's."""
    stub.rows["a"] = now_row("a", count=2)
    page.goto(stub.url)
    expect(page.locator("#link-text")).to_have_text("Live")
    stub.stop()
    expect(page.locator("[data-tile=rate]")).to_have_text(DASH)
    stub.mute = 1
    stub.start()
    until(lambda: stub.clients)
    stub.send("stats", [now_row("a", count=5000)])
    first = until(lambda: page.locator("[data-tile=rate]").inner_text().replace(DASH, ""))
    assert float(first.replace(",", "")) == 0
