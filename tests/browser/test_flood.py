"""Many rejects and many alerts at once: few questions, few drawings, and nothing lost of the place.

The page's clock stands still, so that what is counted does not depend on the machine.
"""

import time

from playwright.sync_api import Page, expect

from tests.browser.rows import now_row
from tests.browser.stub import Stub, alert

COUNT_DRAWINGS = """window.drawings = 0;
new MutationObserver(() => { window.drawings++; })
    .observe(document.querySelector(".recent > div"), {childList: true});"""


def stand_still(page: Page) -> None:
    """Stop the page's clock a while from now."""
    page.clock.pause_at(time.time() + 5)


def reject(n: int) -> dict[str, object]:
    """Return the n-th rejected reading as the server tells it."""
    return {"id": f"{1_764_000_000_000 + n}-0", "reason": "no number", "fields": {"value": f"x{n}"}}


def test_rejects_are_asked_for_once_a_second(page: Page, stub: Stub) -> None:
    """While rejects come in every frame, the server is asked once a second, and the list stays."""
    stub.rows["a"] = now_row("a")
    rejects = [reject(n) for n in range(20, 0, -1)]
    stub.answers["inspect"] = {"command": "redis-cli", "alerts": [], "rejects": rejects}
    page.clock.install()
    page.goto(f"{stub.url}#/sensor/a")
    rows = page.get_by_role("list", name="Rejected readings").locator("li")
    expect(rows).to_have_count(20)
    page.clock.fast_forward(2000)
    stand_still(page)
    shown = page.get_by_role("list", name="Rejected readings")
    shown.focus()
    shown.evaluate("list => { list.scrollTop = 300; }")
    before = asked(stub)
    stub.answers["inspect"] = {"alerts": [], "rejects": [reject(21), *rejects[:19]]}
    for n in range(1, 51):
        stub.send("stats", [now_row("a", rejected=n)])
    expect(page.locator(".figures [data-field=rejected]")).to_have_text("50")
    page.clock.run_for(1100)  # an answer that came as the clock was stopped has its pause to end
    expect(rows.first).to_contain_text("x21")
    assert asked(stub) <= before + 2
    page.clock.run_for(1100)
    expect(shown).to_be_focused()
    assert shown.evaluate("list => list.scrollTop") >= 300
    assert asked(stub) <= before + 3


def asked(stub: Stub) -> int:
    """Return how often the sensor's rejects were asked for."""
    return sum(one.startswith("inspect?") for one in stub.asked)


def test_many_alerts_are_drawn_once(page: Page, stub: Stub) -> None:
    """Any number of alerts between two frames costs one drawing of their lists."""
    page.clock.install()
    page.goto(f"{stub.url}#/alerts")
    expect(page.locator("#link-text")).to_have_text("Live")
    stand_still(page)
    page.evaluate(COUNT_DRAWINGS)
    for i in range(300):
        stub.send("alert", alert(f"s{i}"))
    expect(page.locator("#nav-alerts")).to_have_text("300")
    assert page.evaluate("window.drawings") == 0
    page.clock.run_for(20)
    expect(page.locator(".firing li")).to_have_count(100)
    assert page.evaluate("window.drawings") == 1
