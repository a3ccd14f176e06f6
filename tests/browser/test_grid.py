"""The cards' places and the keyboard's way through them, against a stand-in server."""

from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.rows import now_row
from tests.browser.stub import Stub

PLACES = "cards => cards.map(c => +c.ariaPosInSet)"
NEXT_FRAMES = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
CORNERS = """cards => cards.map(c => c.getBoundingClientRect())
    .map(box => `${Math.round(box.left)}, ${Math.round(box.top)}`)"""


def fill(page: Page, stub: Stub, sensors: int) -> None:
    """Open the list with sensors m-0, m-1 and so on."""
    for i in range(sensors):
        stub.rows[f"m-{i}"] = now_row(f"m-{i}", last=float(i * 7 % sensors))
    page.goto(stub.url)
    expect(page.locator("#tally")).to_have_text(f"{sensors} sensors")


def link(page: Page, sensor: str) -> Any:
    """Return the link of one card."""
    return page.locator(f'.card[data-sensor="{sensor}"] a')


def assert_in_order(page: Page) -> None:
    """Each card has a place of its own, and the elements' order is that of the places."""
    places = page.locator(".card").evaluate_all(PLACES)
    assert places == sorted(set(places))
    corners = page.locator(".card").evaluate_all(CORNERS)
    assert len(set(corners)) == len(corners)


def test_forgotten_card_gives_the_keyboard_to_its_neighbour(page: Page, stub: Stub) -> None:
    """A card whose sensor is forgotten goes, and its neighbour has the keyboard that it had."""
    fill(page, stub, 6)
    link(page, "m-3").focus()
    stub.send("stats", [{"sensor": "m-3", "forgotten": True}])
    expect(page.locator("#tally")).to_have_text("5 sensors")
    expect(page.locator(".card")).to_have_count(5)
    expect(link(page, "m-4")).to_be_focused()
    assert_in_order(page)
    stub.send("stats", [{"sensor": "m-4", "forgotten": True}, {"sensor": "m-5", "forgotten": True}])
    expect(link(page, "m-2")).to_be_focused()


def test_card_with_the_keyboard_moves_to_its_place(page: Page, stub: Stub) -> None:
    """A card with the keyboard keeps it while new sensors push it far beyond the screen."""
    fill(page, stub, 6)
    link(page, "m-2").focus()
    stub.send("stats", [now_row(f"a-{i}") for i in range(60)])
    expect(page.locator("#tally")).to_have_text("66 sensors")
    expect(page.locator('.card[data-sensor="m-2"]')).to_have_attribute("aria-posinset", "63")
    expect(link(page, "m-2")).to_be_focused()
    assert_in_order(page)
    page.keyboard.press("ArrowRight")
    expect(link(page, "m-3")).to_be_focused()
    assert_in_order(page)


def test_tab_goes_the_way_of_the_screen(page: Page, stub: Stub) -> None:
    """After scrolls and another order, Tab leads from each card to the one that stands next."""
    fill(page, stub, 200)
    first = page.locator(".card").first
    for top in (2500, 900, 5000, 0):
        page.evaluate(f"scrollTo(0, {top})")
        page.evaluate(NEXT_FRAMES)
        assert_in_order(page)
    page.get_by_label("Sort").select_option("value")
    expect(first).to_have_attribute("data-sensor", "m-57")
    assert_in_order(page)
    link(page, "m-57").focus()
    for place in range(2, 9):
        page.keyboard.press("Tab")
        at = "document.activeElement.closest('.card')?.ariaPosInSet"
        assert page.evaluate(at) == str(place)


def test_new_kind_and_unit_show(page: Page, stub: Stub) -> None:
    """A sensor whose kind and unit change shows the new ones, in the colour of the new kind."""
    stub.rows["a"] = now_row("a", kind="temperature", unit="°C")
    page.goto(stub.url)
    card = page.locator(".card")
    expect(card.locator(".kind")).to_have_text("temperature")
    hue = card.get_attribute("data-hue")
    stub.send("stats", [now_row("a", count=3, kind="soil_moisture", unit="%")])
    expect(card.locator(".kind")).to_have_text("soil moisture")
    expect(card.locator(".unit")).to_have_text("%")
    assert card.get_attribute("data-hue") != hue


def test_chart_takes_the_new_kind_and_unit(page: Page, stub: Stub) -> None:
    """A sensor's chart that is open says the new unit beside the values, and keeps its points."""
    stub.rows["a"] = now_row("a", kind="temperature", unit="°C")
    page.goto(f"{stub.url}#/sensor/a")
    readout = page.locator(".readout")
    expect(readout).not_to_be_empty()
    if page.locator(".chart .u-over").count() == 0:
        return  # a table, which has no unit
    expect(readout).to_contain_text("± 0.500 °C")
    stub.send("stats", [now_row("a", count=3, kind="soil_moisture", unit="%")])
    expect(readout).to_contain_text("± 0.500 %")
    expect(page.locator(".chart .u-over")).to_have_count(1)
