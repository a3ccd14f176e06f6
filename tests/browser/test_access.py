"""Accessibility by axe-core, in every state and in both colour schemes."""

import time

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.stub import Stub, row

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
