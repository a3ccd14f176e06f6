"""The page against a stand-in server whose every frame is chosen."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.rows import DASH, figure, now_ms, now_row
from tests.browser.stub import Stub, row
from tests.waiting import until

SQUASHED = "c => [c.width - c.clientWidth, c.height - c.clientHeight]"


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
    """Without sensors the page shows the server's own line, and makes way for the first sensor."""
    line = "redis-cli -u redis://127.0.0.1:54615/0 XADD '{1}:readings' '*' sensor soil-1 value 0.42"
    stub.answers["inspect/first"] = {"command": line}
    page.goto(stub.url)
    expect(page.locator("#notice code").first).to_have_text(line)
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


def test_silent_sensor_says_so(page: Page, stub: Stub) -> None:
    """A sensor whose last reading is long ago is silent, in a word, and counted as such."""
    stub.rows["old"] = row("old")
    stub.rows["new"] = now_row("new")
    page.goto(stub.url)
    expect(page.locator('.card[data-sensor="old"] .state')).to_have_text("Silent")
    expect(page.locator('.card[data-sensor="new"] .state')).to_have_text("Healthy")
    expect(page.locator("[data-tile=silent]")).to_have_text("1")
    expect(page.locator("[data-tile=live]")).to_have_text("1")


def test_search_filter_and_sort(page: Page, stub: Stub) -> None:
    """Search, kind and order each list what they say; no match offers the way back."""
    stub.rows["s2"] = now_row("s2", last=5.0, kind="views")
    stub.rows["s10"] = now_row("s10", last=7.0)
    stub.rows["t1"] = now_row("t1", last=6.0)
    page.goto(stub.url)
    names = page.locator(".card .name")
    expect(names).to_have_text(["s2", "s10", "t1"])
    page.get_by_label("Sort").select_option("value")
    in_order = "[...document.querySelectorAll('.card')].sort((a, b) =>"
    in_order += " a.ariaPosInSet - b.ariaPosInSet).map(c => c.dataset.sensor).join()"
    page.wait_for_function(f"{in_order} === 's10,t1,s2'")
    page.get_by_label("Kind").select_option("views")
    expect(names).to_have_text(["s2"])
    page.get_by_label("Search").fill("zzz")
    page.get_by_role("button", name="Show all sensors").click()
    expect(names).to_have_count(3)


def test_redis_away_is_told_apart_from_a_lost_server(page: Page, stub: Stub) -> None:
    """A status event that Redis is away makes the figures stale though the stream is open."""
    stub.rows["a"] = now_row("a")
    page.goto(stub.url)
    expect(page.locator("#link-text")).to_have_text("Live")
    stub.send("status", {"redis": "away"})
    expect(page.locator("#link-text")).to_contain_text("Redis away")
    expect(page.locator(".card .state")).to_have_text("Stale")
    stub.send("status", {"redis": "here"})
    expect(page.locator("#link-text")).to_have_text("Live")


def test_works_behind_a_path_prefix(page: Page, stub: Stub) -> None:
    """Under a prefix that a proxy adds, every address of the page still leads to its server."""
    stub.rows["a"] = now_row("a")
    page.goto(f"{stub.url}some/prefix/")
    expect(page.locator("#link-text")).to_have_text("Live")
    page.get_by_role("link", name="a", exact=True).click()
    expect(page.locator(".figures [data-field=mean]")).to_have_text("20.5")


@pytest.mark.slow
def test_cards_stay_in_place_while_figures_change(page: Page, stub: Stub) -> None:
    """Updates move no card: what shift the browser counts is a hundredth of what it calls good."""
    stub.rows["a"] = now_row("a")
    stub.rows["b"] = now_row("b")
    page.goto(stub.url)
    expect(page.locator(".card")).to_have_count(2)
    page.evaluate("""() => {
        window.shift = 0;
        const add = list => list.getEntries().forEach(one => { window.shift += one.value; });
        new PerformanceObserver(add).observe({type: "layout-shift"});
    }""")
    for i in range(10):
        changed = now_row("a", count=3 + i * 1000, mean=20 + i / 10, last=29.0 - i, stddev=0.5)
        stub.send("stats", [changed, now_row("c"), now_row(f"new-{i}")])
        expect(figure(page, "a", "count")).to_have_text(f"{3 + i * 1000:,}")
    assert page.evaluate("window.shift") < 0.001


def test_reduced_motion_is_honoured(page: Page, stub: Stub) -> None:
    """With reduced motion a figure jumps to its new value without steps between."""
    page.emulate_media(reduced_motion="reduce")
    stub.rows["a"] = now_row("a", mean=0.0)
    page.goto(stub.url)
    expect(figure(page, "a", "mean")).to_have_text("0.00")
    page.evaluate("""() => {
        window.seen = [];
        const node = document.querySelector("[data-field=mean]");
        const note = () => window.seen.push(node.textContent);
        const all = {childList: true, characterData: true, subtree: true};
        new MutationObserver(note).observe(node, all);
    }""")
    stub.send("stats", [now_row("a", mean=100.0)])
    expect(figure(page, "a", "mean")).to_have_text("100.00")
    assert page.evaluate("window.seen") == ["100.00"]


def test_chart_zooms_and_reads_out(page: Page, stub: Stub) -> None:
    """Dragging zooms the chart, the arrow keys move the read-out, Escape ends the zoom."""
    stub.rows["a"] = row("a", last_id="1000-0", count=1)
    page.goto(f"{stub.url}#/sensor/a")
    expect(page.locator(".figures [data-field=count]")).to_have_text("1")
    for i in range(2, 12):
        stub.send("stats", [row("a", last_id=f"{i * 1000}-0", count=i, last=float(i))])
    expect(page.locator(".figures [data-field=count]")).to_have_text("11")
    plot = page.locator(".chart .u-over")
    expect(plot.or_(page.locator(".points:visible")).first).to_be_visible()  # or a table
    if plot.count() == 0:
        expect(page.locator(".points")).to_be_visible()
        return
    expect(page.locator(".readout")).to_contain_text("Latest")
    page.locator(".chart").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".readout")).to_contain_text("value 10.0")
    box = plot.bounding_box()
    assert box
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.3, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, middle, steps=5)
    page.mouse.up()
    expect(page.locator(".chart")).to_have_attribute("data-zoomed", "")
    page.keyboard.press("Escape")
    expect(page.locator(".chart")).not_to_have_attribute("data-zoomed", "")


def test_sparklines_are_not_squashed(page: Page, stub: Stub) -> None:
    """At any width of a card its sparkline has as many dots as it has pixels on the screen."""
    stub.rows["a"] = now_row("a")
    page.goto(stub.url)
    for width in (390, 1440, 1900):
        page.set_viewport_size({"width": width, "height": 900})
        until(lambda: all(abs(off) <= 1 for off in page.locator(".spark").evaluate(SQUASHED)))


@pytest.mark.slow
def test_stream_that_never_answers_is_tried_anew(page: Page, stub: Stub) -> None:
    """A connection on which nothing comes is given up after 10 s, and the next one serves."""
    stub.rows["a"] = now_row("a")
    stub.hung = 1
    page.goto(stub.url)
    expect(page.locator(".card")).to_have_count(1)
    expect(page.locator("#link-text")).to_have_text("Live")


STEPPED = """(() => {
    const Real = Date;
    window.stepMs = 0;
    window.Date = class extends Real {
        constructor(...given) { given.length ? super(...given) : super(Real.now() + stepMs); }
        static now() { return Real.now() + stepMs; }
    };
})()"""


@pytest.mark.parametrize("step_s", [20, -3600])
def test_clock_that_is_set_silences_no_sensor(page: Page, stub: Stub, step_s: int) -> None:
    """A browser clock that is set while the page is open makes no sensor silent, nor hides one."""
    stub.rows["a"], stub.rows["b"] = now_row("a"), now_row("b")
    page.add_init_script(STEPPED)
    page.goto(stub.url)
    expect(page.locator("[data-tile=silent]")).to_have_text("0")
    page.evaluate(f"window.stepMs = {1000 * step_s}")
    old = row("old", last_id=f"{now_ms() - 17_000}-0")
    stub.send("stats", [now_row("a", count=3), old])
    expect(page.locator('.card[data-sensor="old"] .state')).to_have_text("Silent")
    expect(figure(page, "a", "count")).to_have_text("3")
    expect(page.locator("[data-tile=silent]")).to_have_text("1")
    assert page.locator('.card[data-sensor="b"] .state').inner_text() == "Healthy"


def test_damaged_figures_are_dashes(page: Page, stub: Stub) -> None:
    """A figure that is no number is shown as a dash, and its sensor is not called healthy."""
    stub.rows["a"] = now_row("a", mean="abc", count="x")
    page.goto(stub.url)
    expect(figure(page, "a", "mean")).to_have_text(DASH)
    expect(figure(page, "a", "count")).to_have_text(DASH)
    expect(page.locator(".card .state")).to_have_text("Stressed")
