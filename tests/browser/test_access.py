"""Accessibility by axe-core, in every state and in both colour schemes."""

import time

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.rows import now_ms
from tests.browser.stub import Stub, alert, pane, row

SIZES = {"phone": (390, 844), "laptop": (1440, 900)}


def violations(page: Page) -> list[str]:
    """Return what axe-core finds in the light and in the dark, one line each."""
    found = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        broken = Axe().run(page).response["violations"]
        found += [f"{scheme} {one['id']}: {[n['target'] for n in one['nodes']]}" for one in broken]
    return found


@pytest.fixture
def filled(stub: Stub) -> Stub:
    now = f"{int(time.time() * 1000)}-0"
    stub.rows["healthy"] = row("healthy", last_id=now)
    stub.rows["stressed"] = row("stressed", last_id=now, count=50, last=99.0)
    stub.rows["silent"] = row("silent")
    return stub


@pytest.mark.parametrize("size", SIZES)
def test_list_has_no_violation(page: Page, filled: Stub, size: str) -> None:
    """Live and stale, the list has no violation."""
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    page.goto(filled.url)
    expect(page.locator(".card")).to_have_count(3)
    assert violations(page) == []
    filled.stop()
    expect(page.locator("#link-text")).to_contain_text("stale since")
    assert violations(page) == []


def test_sensor_view_has_no_violation(page: Page, filled: Stub) -> None:
    """The view of one sensor has no violation."""
    page.goto(f"{filled.url}#/sensor/stressed")
    expect(page.locator(".readout")).not_to_be_empty()
    assert violations(page) == []


@pytest.mark.parametrize("size", SIZES)
def test_range_with_firing_alert_has_no_violation(page: Page, filled: Stub, size: str) -> None:
    """A sensor's view over a range, with its alert, its table open and its lists, has none."""
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    begin = now_ms() // 60_000 * 60_000
    filled.answers["sensors/stressed"] = {**filled.rows["stressed"], "over": {"count": 0}}
    filled.answers["sensors/stressed/windows"] = {
        "items": [pane(begin - i * 60_000) for i in range(9, 0, -1)]
    }
    one = alert("stressed", ts=now_ms(), at=now_ms())
    filled.answers["alerts"] = {"active": [one], "recent": [one]}
    filled.answers["inspect"] = {"command": "redis-cli", "alerts": [one], "rejects": []}
    page.goto(f"{filled.url}#/sensor/stressed?over=1h")
    page.get_by_text("As a table").click()
    expect(page.locator(".points tbody tr")).to_have_count(9)
    expect(page.locator("#sensor > .kind")).to_contain_text("since")
    assert violations(page) == []


@pytest.mark.parametrize("size", SIZES)
def test_alerts_view_has_no_violation(page: Page, filled: Stub, size: str) -> None:
    """The view of alerts has none, with alerts and rules and without."""
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    filled.answers["rules"] = {"version": 1, "rules": []}
    page.goto(f"{filled.url}#/alerts")
    expect(page.locator(".rules")).to_contain_text("No rules yet")
    assert violations(page) == []
    rule = {"name": "too-hot", "type": "limit", "high": 30.0}
    filled.answers["rules"] = {"version": 2, "rules": [rule]}
    filled.answers["alerts"] = {
        "active": [alert("stressed", at=now_ms(), ts=now_ms())],
        "recent": [alert("healthy", state="resolved", at=now_ms())],
    }
    page.reload()
    expect(page.locator(".rules li")).to_have_count(1)
    expect(page.locator(".recent li")).to_have_count(1)
    assert violations(page) == []


@pytest.mark.parametrize("route", ["#/", "#/sensor/stressed?over=24h", "#/alerts"])
@pytest.mark.parametrize("width", [320, 390, 768, 1440, 2560])
def test_nothing_is_wider_than_the_screen(page: Page, filled: Stub, route: str, width: int) -> None:
    """At every width, with a long name, a long message and large numbers, nothing sticks out."""
    name = "a-sensor-with-a-name-of-many-letters-" + "x" * 90
    filled.rows[name] = filled.rows["stressed"] | {
        "sensor": name,
        "mean": -123456789.12345678,
        "kind": "soil_" * 10,
    }
    one = alert(name, ts=now_ms(), at=now_ms(), message=f"{name}: " + "is far too hot " * 9)
    filled.answers["alerts"] = {"active": [one], "recent": [one]}
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(filled.url + route)
    expect(page.locator("#link-text")).to_have_text("Live")
    expect(page.locator("#nav-alerts")).to_have_text("1")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


@pytest.mark.parametrize("token", ["", "sesame"])
def test_notices_have_no_violation(page: Page, stub: Stub, token: str) -> None:
    """Without sensors, and where a token is asked for, the page has no violation."""
    stub.token = token
    page.goto(stub.url)
    expect(page.locator("#notice")).to_be_visible()
    assert violations(page) == []


def test_whole_page_by_keyboard(page: Page, filled: Stub) -> None:
    """Tab leads to the cards, arrows move among them, Enter opens one, Back returns."""
    page.goto(filled.url)
    expect(page.locator(".card")).to_have_count(3)
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('.card a')"):
            break
    page.keyboard.press("ArrowRight")
    expect(page.locator('.card[data-sensor="silent"] a')).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="silent")).to_be_focused()
    page.go_back()
    expect(page.locator(".card")).to_have_count(3)
