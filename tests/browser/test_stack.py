"""The page on the real stack: server, processor and API as processes, and a browser."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.stack import Stack
from tests.waiting import until

FIGURES = ("last", "mean", "stddev", "stddev_sample", "variance", "min", "max", "sum")


def test_numbers_equal_the_hash(page: Page, served: Stack) -> None:
    """Every figure of a sensor's view reads back as the very double in its hash."""
    kept = served.add("hard", 1e7 + 0.1, 1e7 + 0.3, 1e16, -3.3e-7, 22.2)
    served.open(page, "#/sensor/hard")
    cell = page.locator(".figures [data-field=count]")
    expect(cell).to_have_text("5")
    for name in FIGURES:
        text = page.locator(f".figures [data-field={name}]").inner_text()
        assert float(text) == float(kept[name.encode()]), name


def test_update_arrives_without_reload(page: Page, served: Stack) -> None:
    """A reading that is added with XADD alone changes the card on the open page."""
    served.add("a", 1.0)
    served.open(page)
    count = page.locator('.card[data-sensor="a"] [data-field=count]')
    expect(count).to_have_text("1")
    page.evaluate("window.sameDocument = true")
    served.add("a", 2.0, 3.0)
    expect(count).to_have_text("3")
    assert page.evaluate("window.sameDocument")


def test_full_redis_is_said_while_it_is(page: Page, served: Stack) -> None:
    """At maxmemory the page, which is live, says that new readings are refused, in every view."""
    served.add("a", 1.0)
    served.open(page)
    warning = page.locator("#warning")
    expect(page.locator("#link-text")).to_have_text("Live")
    expect(warning).to_be_hidden()
    served.client.config_set("maxmemory", "1")
    try:
        expect(warning).to_contain_text("Redis is full: new readings are refused.")
        page.get_by_role("link", name="a", exact=True).click()
        expect(page.get_by_role("heading", name="a", exact=True)).to_be_focused()
        expect(warning).to_be_visible()
    finally:
        served.client.config_set("maxmemory", "0")
    expect(warning).to_be_hidden()


def test_killed_api_comes_back_with_nothing_missed(page: Page, stack: Stack) -> None:
    """While the API is dead the page says so; after its return all that was folded is there."""
    stack.client.flushall()
    first = stack.serve()
    stack.add("a", 1.0)
    stack.open(page)
    first.close()
    expect(page.locator("#link-text")).to_contain_text("stale since")
    expect(page.locator(".card .state").first).to_have_text("Stale")
    stack.add("a", 2.0, 3.0)
    stack.add("born-meanwhile", 7.0)
    with stack.serve():
        expect(page.locator("#link-text")).to_have_text("Live")
        expect(page.locator('.card[data-sensor="a"] [data-field=count]')).to_have_text("3")
        expect(page.locator('.card[data-sensor="born-meanwhile"]')).to_have_count(1)


def test_sensor_view_shows_line_rejects_and_chart(page: Page, served: Stack) -> None:
    """A sensor's own address shows its redis-cli line, its rejects and a chart or a table."""
    served.add("b/1 x", 1.0, 2.0)
    served.client.xadd("readings", {"sensor": "b/1 x", "value": "broken"})
    until(lambda: served.client.hget("stats:b/1 x", "rejected") == b"1")
    served.open(page)
    page.get_by_role("link", name="b/1 x").click()
    expect(page.get_by_role("heading", name="b/1 x")).to_be_focused()
    expect(page.locator(".line code")).to_contain_text(
        f"{served.server.port}/0 HGETALL 'stats:b/1 x'"
    )
    expect(page.locator(".lists")).to_contain_text("broken")
    expect(page.locator(".chart canvas, .points tbody tr").first).to_be_visible()
    expect(page.locator(".readout")).to_contain_text("value 2")


@pytest.mark.parametrize("name", [".", ".."])
def test_names_that_are_folders_are_names(page: Page, served: Stack, name: str) -> None:
    """A sensor named like a folder has its quantiles and its past as any other."""
    served.add(name, 1.0, 2.0, 3.0)
    served.open(page, f"#/sensor/{name}")
    expect(page.locator("[data-summary=p50]")).to_contain_text("≈")
    page.get_by_role("button", name="1h").click()
    expect(page.locator("[data-summary=count]")).to_have_text("3")


def test_no_uplot_shows_tables(page: Page, served: Stack) -> None:
    """Where set-up could not fetch uPlot, a sensor's view shows its points as a table."""
    served.add("a", 1.0, 2.0)
    page.route("**/vendor/**", lambda route: route.fulfill(status=404))
    served.open(page, "#/sensor/a")
    expect(page.locator(".points tbody tr").first).to_be_visible()
    expect(page.locator(".readout")).to_contain_text("rm web/vendor/.tried && make web-vendor")


WEIGH = """() => ({
    bytes: [...performance.getEntriesByType("resource"),
            ...performance.getEntriesByType("navigation")]
        .reduce((sum, one) => sum + one.transferSize, 0)})"""


@pytest.mark.parametrize("route", ["", "#/sensor/a", "#/alerts"])
def test_weight(page: Page, served: Stack, route: str) -> None:
    """Each view, with all that it loads, weighs less than 100 KB over the wire."""
    served.add("a", 1.0)
    served.open(page, route)
    expect(page.locator(".card, .readout, .recent").last).not_to_be_empty()
    assert page.evaluate(WEIGH)["bytes"] < 100_000
