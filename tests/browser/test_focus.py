"""Where the keyboard is after a change of view, and what a screen reader is told unasked."""

from playwright.sync_api import Page, expect

from tests.browser.rows import now_row
from tests.browser.stub import Stub


def test_back_gives_the_keyboard_to_the_card(page: Page, stub: Stub) -> None:
    """Back from a sensor leads to its card, however far down; from the alerts, to the list."""
    for i in range(200):
        stub.rows[f"m-{i}"] = now_row(f"m-{i}")
    page.goto(stub.url)
    page.locator('.card[data-sensor="m-3"] a').focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="m-3")).to_be_focused()
    page.go_back()
    expect(page.locator('.card[data-sensor="m-3"] a')).to_be_focused()
    page.goto(f"{stub.url}#/sensor/m-150")
    expect(page.get_by_role("heading", name="m-150")).to_be_focused()
    page.get_by_role("link", name="← All sensors").click()
    expect(page.locator('.card[data-sensor="m-150"] a')).to_be_focused()
    expect(page.locator('.card[data-sensor="m-150"]')).to_be_in_viewport()
    page.goto(f"{stub.url}#/alerts")
    expect(page.get_by_role("heading", name="Alerts", exact=True)).to_be_focused()
    page.go_back()
    expect(page.get_by_role("heading", name="All sensors")).to_be_focused()


def test_login_gives_the_keyboard_to_the_content(page: Page, stub: Stub) -> None:
    """After the login the keyboard is at the content, not before the header."""
    stub.token = "sesame"
    stub.rows["a"] = now_row("a")
    page.goto(stub.url)
    page.get_by_label("Read token").fill("sesame")
    page.keyboard.press("Enter")
    expect(page.locator(".card")).to_have_count(1)
    expect(page.locator("#main")).to_be_focused()


def test_no_seconds_are_read_out(page: Page, stub: Stub) -> None:
    """What is read out unasked tells that the server is away, and not each second of it."""
    stub.rows["a"] = now_row("a")
    page.goto(f"{stub.url}#/sensor/a")
    said = page.get_by_role("status").filter(has_text="Live")
    expect(said).to_have_text("Live")
    assert page.locator(".readout").get_attribute("aria-live") == "off"
    stub.stop()
    expect(page.locator("#link-text")).to_contain_text("Reconnecting in")
    expect(page.get_by_role("status").first).to_contain_text("Reconnecting · stale since")
    expect(page.locator("#link")).to_have_attribute("aria-hidden", "true")
