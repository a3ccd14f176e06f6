"""What the page does not know it does not claim, and it asks again once the server is back."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.rows import now_ms, now_row
from tests.browser.stub import Stub, alert
from tests.waiting import until

LINE = "redis-cli -u redis://127.0.0.1:54615/0 HGETALL '{1}:stats:a'"
REJECT = {"id": f"{now_ms()}-0", "code": "bad", "reason": "no number", "fields": {"value": "x"}}


@pytest.mark.slow
def test_sensor_opened_while_the_server_is_away(page: Page, stub: Stub) -> None:
    """Its lists and line are said to be unknown; they come with the server, as does the chart."""
    stub.rows["a"] = now_row("a", rejected=20)
    stub.answers["inspect"] = {"command": LINE, "alerts": [], "rejects": [REJECT]}
    page.goto(stub.url)
    expect(page.locator(".card")).to_have_count(1)
    stub.stop()
    expect(page.locator("#link-text")).to_contain_text("stale since")
    page.locator(".card a").click()
    lists, readout = page.locator(".lists"), page.locator(".readout")
    expect(lists).to_contain_text("Not known")
    expect(lists).not_to_contain_text("was folded")
    expect(page.locator("#sensor .line")).to_be_hidden()
    expect(readout).to_contain_text("when the server answers")
    stub.start()
    expect(lists).to_contain_text("no number")
    expect(page.locator("#sensor .line code")).to_have_text(LINE)
    expect(readout).not_to_contain_text("when the server answers")
    expect(page.locator(".chart .u-over").or_(page.get_by_text("could not fetch"))).to_be_visible()


def test_sensor_is_not_called_unknown_before_the_list_came(page: Page, stub: Stub) -> None:
    """With Redis away nobody can say that a sensor never sent: the page says what is away."""
    stub.mute = 1
    page.goto(f"{stub.url}#/sensor/a")
    until(lambda: stub.clients)
    stub.send("status", {"redis": "away"})
    expect(page.locator("#notice")).to_contain_text("Redis does not answer")
    expect(page.locator("#sensor .notice")).to_be_hidden()
    stub.send("status", {"redis": "ok"})
    stub.send("snapshot", [])
    expect(page.locator("#sensor .notice")).to_contain_text("none has come yet")
    expect(page.locator("#notice")).to_be_hidden()


def test_alerts_are_not_called_none_before_they_are_known(page: Page, stub: Stub) -> None:
    """Without an answer the view does not say that nothing has fired, nor that nothing fires."""
    stub.token = "sesame"
    page.goto(f"{stub.url}#/alerts")
    page.route("**/api/alerts", lambda route: route.fulfill(status=401))
    expect(page.get_by_label("Read token")).to_be_visible()
    expect(page.locator(".recent")).to_contain_text("has not said yet")
    expect(page.locator(".firing")).to_contain_text("has not said yet")


def test_rules_are_asked_for_as_soon_as_they_can_be(page: Page, stub: Stub) -> None:
    """After a login the rules come at once."""
    stub.token = "sesame"
    page.goto(f"{stub.url}#/alerts")
    expect(page.locator(".rules")).to_contain_text("Asking for the rules")
    until(lambda: any("rules" in one for one in stub.asked))
    before = len(stub.asked)
    stub.answers["rules"] = {"version": 0, "rules": []}
    page.get_by_label("Read token").fill("sesame")
    page.keyboard.press("Enter")
    expect(page.locator(".rules")).to_contain_text("No rules yet")
    assert any("rules" in one for one in stub.asked[before:])


@pytest.mark.slow
def test_range_that_cannot_be_asked_keeps_its_figures(page: Page, stub: Stub) -> None:
    """What is known of a range stays, as stale as the rest, while the server is away."""
    over: dict[str, Any] = {"count": 60, "mean": 18.25, "stddev": 0.75, "min": 15.5, "max": 22.5}
    stub.rows["a"] = now_row("a")
    stub.answers["sensors/a"] = {**stub.rows["a"], "over": over}
    stub.answers["sensors/a/windows"] = {"items": []}
    page.goto(f"{stub.url}#/sensor/a?over=5m")
    mean = page.locator("[data-summary=mean]")
    expect(mean).to_have_text("18.25 ± 0.75")
    stub.stop()
    failed: list[str] = []
    page.on("requestfailed", lambda sent: failed.append(sent.url))
    until(lambda: page.evaluate("1") and sum("over=5m" in url for url in failed) >= 2)
    expect(mean).to_have_text("18.25 ± 0.75")
    expect(page.locator(".readout")).to_have_text("No readings in this range")


def test_alerts_that_were_known_stay(page: Page, stub: Stub) -> None:
    """What fired is still told when the server goes away, and what changed before it did."""
    stub.answers["alerts"] = {"active": [alert("a")], "recent": [alert("a")]}
    page.goto(f"{stub.url}#/alerts")
    expect(page.locator(".firing li")).to_have_count(1)
    expect(page.locator(".recent li")).to_have_count(1)
    stub.stop()
    expect(page.locator("#link-text")).to_contain_text("stale since")
    expect(page.locator(".recent li")).to_have_count(1)
