"""What the page shows is what it was told, and what it was told long ago does not look like now."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.rows import DASH, now_ms, now_row
from tests.browser.stub import Stub, alert


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


RAISED = (".nav b", ".firing .state", ".recent .state", ".rules .raised")


def colour(page: Page, part: str) -> str:
    """Return the colour that tells: of the ground where a part has one, else of the text."""
    said: str = page.locator(part).first.evaluate(
        "n => n.matches('.nav b') ? getComputedStyle(n).backgroundColor : getComputedStyle(n).color"
    )
    return said


def test_stale_parts_look_stale(page: Page, stub: Stub) -> None:
    """Once nothing arrives no part keeps the ink or the red of what is so now."""
    stub.rows["a"] = now_row("a")
    stub.answers["alerts"] = {"active": [alert("a")], "recent": [alert("a")]}
    stub.answers["rules"] = {"version": 1, "rules": [{"name": "too-hot", "type": "limit"}]}
    live: dict[str, str] = {}
    page.goto(f"{stub.url}#/alerts")
    expect(page.locator(".rules .raised")).to_have_text("1 firing")
    expect(page.locator(".recent .state")).to_have_text("Firing")
    live |= {part: colour(page, part) for part in RAISED}
    stub.send("status", {"redis": "away"})
    expect(page.locator("#link-text")).to_contain_text("Redis away")
    assert [part for part in RAISED if colour(page, part) == live[part]] == []
    stub.send("status", {"redis": "ok"})
    page.locator(".firing a").click()
    figure = page.locator(".figures td").first
    expect(figure).to_have_text("2")
    before = colour(page, ".figures td")
    stub.send("status", {"redis": "away"})
    expect(page.locator("#sensor .state").first).to_have_text("Stale")
    assert colour(page, ".figures td") != before


@pytest.mark.slow
def test_durations_stand_still_while_nothing_arrives(page: Page, stub: Stub) -> None:
    """How long an alert has been firing is not counted on where nobody knows that it still does."""
    stub.rows["a"] = now_row("a")
    stub.answers["alerts"] = {"active": [alert("a", ts=now_ms() - 30_000)], "recent": []}
    page.clock.install()
    page.goto(f"{stub.url}#/alerts")
    time = page.locator(".firing time")
    expect(time).to_contain_text("(for 3")
    page.clock.fast_forward(10_000)
    expect(time).to_contain_text("(for 4")
    stub.send("status", {"redis": "away"})
    expect(page.locator("#link-text")).to_contain_text("Redis away")
    page.clock.fast_forward(20_000)
    page.clock.run_for(1000)
    expect(time).to_contain_text("(for 4")
    page.locator(".firing a").click()
    kind = page.locator("#sensor > .kind")
    expect(kind).to_contain_text("(for 4")
    page.clock.run_for(20_000)
    expect(kind).to_contain_text("(for 4")
