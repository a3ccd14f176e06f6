"""The page against a stand-in server whose every frame is chosen."""

import time

from playwright.sync_api import Locator, Page, expect

from tests.browser.stub import Stub, row


def now_row(sensor: str, **fields: object) -> dict[str, object]:
    """Return a row whose last reading is of this moment, so that the sensor is not silent."""
    return row(sensor, last_id=f"{int(time.time() * 1000)}-0", **fields)


def figure(page: Page, sensor: str, field: str) -> Locator:
    """Return the element that shows one figure of one card."""
    return page.locator(f'.card[data-sensor="{sensor}"] [data-field="{field}"]')


def test_shows_mean_deviation_and_count(page: Page, stub: Stub) -> None:
    """A sensor of the snapshot stands on the page with its mean, deviation and count."""
    stub.rows["soil-1"] = now_row("soil-1", mean=20.5, stddev=0.5, count=1234, last=21.0)
    page.goto(stub.url)
    expect(figure(page, "soil-1", "mean")).to_have_text("20.50")
    expect(figure(page, "soil-1", "stddev")).to_have_text("0.50")
    expect(figure(page, "soil-1", "count")).to_have_text("1,234")
    expect(page.locator("#link-text")).to_have_text("Live")


def test_updates_without_reload(page: Page, stub: Stub) -> None:
    """A stats event changes the card that is there, and adds the sensor that is new."""
    stub.rows["a"] = now_row("a", count=2)
    page.goto(stub.url)
    expect(figure(page, "a", "count")).to_have_text("2")
    stub.send("stats", [now_row("a", count=3, mean=30.25), now_row("b")])
    expect(figure(page, "a", "mean")).to_have_text("30.25")
    expect(page.locator(".card")).to_have_count(2)


def test_an_older_row_never_replaces_a_newer_one(page: Page, stub: Stub) -> None:
    """A row with a smaller last_id than the one shown is skipped."""
    stub.rows["a"] = row("a", last_id="2000-0", count=5)
    page.goto(stub.url)
    expect(figure(page, "a", "count")).to_have_text("5")
    stub.send("stats", [row("a", last_id="1000-0", count=4), row("b")])
    expect(page.locator(".card")).to_have_count(2)
    expect(figure(page, "a", "count")).to_have_text("5")


def test_reconnects_after_the_server_was_away(page: Page, stub: Stub) -> None:
    """Without a server the page counts down and says since when it is stale; then it resumes."""
    stub.rows["a"] = now_row("a", count=2)
    page.goto(stub.url)
    expect(page.locator("#link-text")).to_have_text("Live")
    stub.stop()
    expect(page.locator("#link-text")).to_contain_text("stale since")
    expect(page.locator("#link-text")).to_contain_text("Reconnecting in")
    stub.rows["a"] = now_row("a", count=99)
    stub.start()
    expect(page.locator("#link-text")).to_have_text("Live")
    expect(figure(page, "a", "count")).to_have_text("99")
    assert stub.asked_ids[-1] == "0-0"


def test_empty_page_says_how_to_send_the_first_reading(page: Page, stub: Stub) -> None:
    """Without sensors the page shows the XADD line, and makes way for the first sensor."""
    page.goto(stub.url)
    expect(page.locator("#notice")).to_contain_text("XADD readings '*' sensor soil-1 value 0.42")
    stub.send("stats", [now_row("soil-1")])
    expect(page.locator("#notice")).to_be_hidden()
    expect(page.locator(".card")).to_have_count(1)


def test_token_is_asked_for_and_opens_the_page(page: Page, stub: Stub) -> None:
    """A wrong token is refused in words; the right one brings the sensors."""
    stub.token = "sesame"
    stub.rows["a"] = now_row("a")
    page.goto(stub.url)
    page.get_by_label("Read token").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("not the read token")
    page.get_by_label("Read token").fill("sesame")
    page.keyboard.press("Enter")
    expect(page.locator(".card")).to_have_count(1)
    expect(page.locator("#notice")).to_be_hidden()


def test_names_are_text_never_markup(page: Page, stub: Stub) -> None:
    """A sensor named like HTML is shown as it is and starts nothing."""
    name = '<img src=x onerror="document.title=1">'
    stub.rows[name] = now_row(name)
    page.goto(stub.url)
    expect(page.locator(".card .name")).to_have_text(name)
    expect(page).to_have_title("Rillet")
