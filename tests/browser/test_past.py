"""A sensor's past on the page: ranges, panes, quantiles; against a stand-in server."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.rows import DASH, now_ms, now_row
from tests.browser.stub import Stub, pane
from tests.waiting import until

MINUTE = 60_000
QUANTILES = {"p50": 20.25, "p90": 21.5, "p99": 21.95}
OVER = {
    "count": 3600,
    "mean": 18.25,
    "stddev": 0.75,
    "min": 15.5,
    "max": 22.5,
    "sum": 65700.0,
    "first": 17.0,
    "last": 18.0,
    "p50": 18.125,
    "p90": 19.5,
    "p99": 21.25,
}


@pytest.fixture
def past(stub: Stub) -> Stub:
    """Return a server that knows an hour of sensor `a` in panes of a minute, with one gap."""
    stub.rows["a"] = now_row("a")
    begin = now_ms() // MINUTE * MINUTE
    panes = [pane(begin - i * MINUTE, mean=20.0 + i / 10) for i in range(50, 0, -1) if i != 20]
    panes.append(pane(begin, open=True, count=7, mean=23.5))
    stub.answers["sensors/a"] = {**stub.rows["a"], "quantiles": QUANTILES}
    stub.answers["sensors/a?over=1h"] = {**stub.rows["a"], "quantiles": QUANTILES, "over": OVER}
    stub.answers["sensors/a/windows"] = {"items": panes}
    return stub


def summary(page: Page) -> dict[str, str]:
    """Return what the row of figures above the chart says."""
    found: dict[str, str] = page.evaluate(
        "Object.fromEntries([...document.querySelectorAll('[data-summary]')]"
        ".map(n => [n.dataset.summary, n.textContent]))"
    )
    return found


def has_plot(page: Page) -> bool:
    """Tell whether set-up could fetch uPlot, as soon as the page knows; its table shows else."""
    expect(page.locator(".readout")).not_to_be_empty()
    return page.locator(".chart .u-over").count() > 0


def test_live_shows_quantiles_of_all_time(page: Page, past: Stub) -> None:
    """Without a range the figures and the quantiles are of all time."""
    page.goto(f"{past.url}#/sensor/a")
    expect(page.locator("[data-summary=p90]")).to_have_text("≈ 21.5")
    expect(page.locator(".figures [data-field=p99]")).to_have_text("21.95")
    assert summary(page)["mean"] == "20.50 ± 0.50"
    expect(page.locator(".past h2")).to_have_text("All time")
    expect(page.get_by_role("button", name="Live")).to_have_attribute("aria-pressed", "true")


def test_range_shows_its_own_figures(page: Page, past: Stub) -> None:
    """A range's figures stand above the chart and beside those of all time."""
    page.goto(f"{past.url}#/sensor/a")
    page.get_by_role("button", name="1h").click()
    expect(page.locator(".past h2")).to_have_text("Last hour")
    expect(page.locator("[data-summary=mean]")).to_have_text("18.25 ± 0.75")
    assert summary(page) | {"mean": ""} == {
        "mean": "",
        "p50": "≈ 18.1",
        "p90": "≈ 19.5",
        "p99": "≈ 21.3",
        "min": "15.50",
        "max": "22.50",
        "count": "3,600",
    }
    expect(page.locator(".figures [data-over=p50]")).to_have_text("18.125")
    expect(page.locator(".figures [data-field=mean]")).to_have_text("20.5")
    page.get_by_role("button", name="Live").click()
    expect(page.locator(".figures [data-over=p50]")).to_be_hidden()
    expect(page.locator("[data-summary=mean]")).to_have_text("20.50 ± 0.50")


def test_range_asks_for_its_panes(page: Page, past: Stub) -> None:
    """Each range asks for panes of the size that fits it, from its begin to now."""
    page.goto(f"{past.url}#/sensor/a")
    for name, size, minutes in (("5m", "10s", 5), ("24h", "1h", 1440), ("7d", "1h", 10_080)):
        page.get_by_role("button", name=name).click()
        begin = now_ms() - minutes * MINUTE
        until(lambda s=size, b=begin: any(abs(at - b) < MINUTE for at in _begins(past, s)))


def _begins(stub: Stub, size: str) -> list[int]:
    pattern = re.compile(rf"sensors/a/windows\?size={size}&from=(\d+)&")
    return [int(found[1]) for found in map(pattern.match, stub.asked) if found]


def test_address_names_the_range(page: Page, past: Stub) -> None:
    """A range has its own address, which opens it again."""
    page.goto(f"{past.url}#/sensor/a")
    page.get_by_role("button", name="1h").click()
    assert page.url.endswith("#/sensor/a?over=1h")
    page.reload()
    expect(page.get_by_role("button", name="1h")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("[data-summary=mean]")).to_have_text("18.25 ± 0.75")


def test_chart_reads_out_panes_and_gaps(page: Page, past: Stub) -> None:
    """The read-out tells the open pane, a closed one, and a gap between two as what they are."""
    page.goto(f"{past.url}#/sensor/a?over=1h")
    if not has_plot(page):
        return
    readout = page.locator(".readout")
    expect(readout).to_contain_text("(still open): mean 23.500 ± 0.500 °C")
    page.locator(".chart").focus()
    page.keyboard.press("ArrowLeft")
    expect(readout).to_contain_text("mean 20.100 ± 0.500 °C, 19.000 to 22.000, readings 60")
    for _ in range(19):
        page.keyboard.press("ArrowLeft")
    expect(readout).to_contain_text("no readings")


def test_panes_as_a_table(page: Page, past: Stub) -> None:
    """The table of a range has a row a pane, newest first, with its quantiles."""
    page.goto(f"{past.url}#/sensor/a?over=1h")
    page.get_by_text("As a table").click()
    rows = page.locator(".points tbody tr")
    expect(rows).to_have_count(50)
    expect(rows.first).to_contain_text("23.500")
    expect(rows.nth(1)).to_contain_text("20.1000.50019.00022.000≈ 20.4≈ 21.2≈ 21.9")


def test_newest_question_wins(page: Page, past: Stub) -> None:
    """A slow answer to a range that was left does not replace the one that is shown."""
    late = {**past.rows["a"], "over": {**OVER, "mean": 99.0}}
    held: list[Any] = []
    page.add_init_script("AbortSignal.timeout = () => new AbortController().signal")
    page.route("**/sensors/a?over=7d", lambda route: held.append(route))  # noqa: PLW0108 it must take an attribute
    page.goto(f"{past.url}#/sensor/a?over=7d")
    until(lambda: page.evaluate("1") and held)  # a call lets Playwright hear of the request
    page.get_by_role("button", name="1h").click()
    expect(page.locator("[data-summary=mean]")).to_have_text("18.25 ± 0.75")
    with page.expect_response("**/sensors/a?over=7d") as answered:
        held[0].fulfill(json=late)
    answered.value.finished()
    page.evaluate("new Promise(requestAnimationFrame)")
    assert summary(page)["mean"] == "18.25 ± 0.75"


def test_size_that_is_not_kept_is_passed_over(page: Page, past: Stub) -> None:
    """Where the server keeps no panes of the best size, the next one is asked for."""
    page.route("**/windows?size=1m*", lambda route: route.fulfill(status=422, json={}))
    page.goto(f"{past.url}#/sensor/a?over=1h")
    expect(page.locator(".readout")).to_contain_text("(still open)")
    until(lambda: any("windows?size=10s" in one for one in past.asked))


def test_range_without_readings_says_so(page: Page, stub: Stub) -> None:
    """A range in which nothing came shows dashes and says so, and no figure of another range."""
    stub.rows["a"] = now_row("a")
    stub.answers["sensors/a"] = {**stub.rows["a"], "over": {"count": 0}}
    stub.answers["sensors/a/windows"] = {"items": []}
    page.goto(f"{stub.url}#/sensor/a?over=24h")
    expect(page.locator(".readout")).to_have_text("No readings in this range")
    expect(page.locator("[data-summary=count]")).to_have_text("0")
    expect(page.locator("[data-summary=mean]")).to_have_text(DASH)


def test_server_without_windows_says_so(page: Page, past: Stub) -> None:
    """Where the server keeps no windows at all, a range says that and not that nothing came."""
    del past.answers["sensors/a/windows"]
    page.goto(f"{past.url}#/sensor/a?over=1h")
    if has_plot(page):
        expect(page.locator(".readout")).to_contain_text("did not give the windows")


@pytest.mark.slow
def test_keyboard_cursor_stays_with_its_pane(page: Page, past: Stub) -> None:
    """While the chart is drawn anew the read-out stays with the pane that the keys chose."""
    page.goto(f"{past.url}#/sensor/a?over=5m")
    if not has_plot(page):
        return
    page.locator(".chart").focus()
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    expect(page.locator(".readout")).to_contain_text("At ")
    chosen = page.locator(".readout").inner_text()
    before = len(past.asked)
    until(lambda: page.evaluate("1") and len(past.asked) > before + 3)
    assert page.locator(".readout").inner_text() == chosen
