"""Alerts and rules on the page, against a stand-in server whose every frame is chosen."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.rows import figure, hide, now_ms, now_row
from tests.browser.stub import Stub, alert
from tests.waiting import until

RULES = [
    {"name": "too-hot", "type": "limit", "kind": "temperature", "high": 30.0, "hysteresis": 0.5},
    {"name": "odd", "type": "deviation", "sigma": 4.0, "warm_up": 30},
    {"name": "stuck", "type": "stuck", "after_s": 60},
    {"name": "gone", "type": "silence", "after_s": 30, "sensor": "soil_*"},
]


def test_firing_alert_raises_card_figure_and_title(page: Page, stub: Stub) -> None:
    """An alert makes its sensor stressed and is told at a glance until it is resolved."""
    stub.rows["a"] = now_row("a")
    page.goto(stub.url)
    state = page.locator('.card[data-sensor="a"] .state')
    expect(state).to_have_text("Healthy")
    expect(page.locator("[data-tile=alerts]")).to_have_text("0")
    stub.send("alert", alert("a"))
    expect(state).to_have_text("Stressed")
    expect(page.locator("[data-tile=alerts]")).to_have_text("1")
    expect(page.locator(".newest")).to_have_text("a: 31.2 is above 30")
    expect(page.locator('.card[data-sensor="a"] .kind')).to_have_text("31.2 is above 30")
    expect(page).to_have_title("(1) Rillet")
    stub.send("alert", alert("a", state="resolved"))
    expect(state).to_have_text("Healthy")
    expect(page.locator("[data-tile=alerts]")).to_have_text("0")
    expect(page.locator('.card[data-sensor="a"] .kind')).to_have_text("temperature")
    expect(page).to_have_title("Rillet")


def test_alerts_that_fired_before_are_known(page: Page, stub: Stub) -> None:
    """What fires when the page is opened stands on the card, and a second rule beside it."""
    stub.rows["a"] = now_row("a")
    stub.answers["alerts"] = {"active": [alert("a")], "recent": [alert("a")]}
    page.goto(stub.url)
    expect(page.locator('.card[data-sensor="a"] .state')).to_have_text("Stressed")
    stub.send("alert", alert("a", "odd", message="a: 5 deviations off"))
    expect(page.locator("[data-tile=alerts]")).to_have_text("2")
    stub.send("alert", alert("a", state="resolved"))
    expect(page.locator("[data-tile=alerts]")).to_have_text("1")
    expect(page.locator('.card[data-sensor="a"] .kind')).to_have_text("5 deviations off")


@pytest.mark.slow
def test_unanswered_question_for_changes_is_asked_again(page: Page, stub: Stub) -> None:
    """What changed before is asked for until the server answers; what fires the stream tells."""
    stub.rows["a"] = now_row("a")
    del stub.answers["alerts"]
    page.goto(f"{stub.url}#/alerts")
    expect(page.locator(".firing")).to_contain_text("Nothing is firing")
    expect(page.locator(".recent")).to_contain_text("The server has not said yet")
    stub.answers["alerts"] = {"active": [], "recent": [alert("a", state="resolved")]}
    expect(page.locator(".recent li")).to_have_count(1)


def test_list_of_the_stream_takes_the_place_of_what_was_known(page: Page, stub: Stub) -> None:
    """An `alerts` event is the whole truth: what it does not name has been resolved."""
    stub.rows["a"], stub.rows["b"] = now_row("a"), now_row("b")
    stub.answers["alerts"] = {"active": [alert("a")], "recent": []}
    page.goto(stub.url)
    expect(page.locator('.card[data-sensor="a"] .state')).to_have_text("Stressed")
    stub.send("alerts", [alert("b")])
    expect(page.locator('.card[data-sensor="b"] .state')).to_have_text("Stressed")
    expect(page.locator('.card[data-sensor="a"] .state')).to_have_text("Healthy")


def test_hidden_page_tells_in_its_title_what_fires(page: Page, stub: Stub) -> None:
    """A page whose stream rests asks now and then, so that its tab still tells of alerts."""
    stub.rows["a"] = now_row("a")
    page.clock.install()
    page.goto(stub.url)
    expect(page.locator("#link-text")).to_have_text("Live")
    hide(page)
    page.clock.fast_forward(21_000)
    until(lambda: page.evaluate("document.body.dataset.link") == "resting")
    stub.answers["alerts"] = {"active": [alert("a")], "recent": []}
    page.clock.fast_forward(61_000)
    expect(page).to_have_title("(1) Rillet")


def test_feed_lists_firing_and_resolved(page: Page, stub: Stub) -> None:
    """The view of alerts keeps what fires now apart from the changes, newest first."""
    old = alert("b", state="resolved", at=now_ms() - 60_000, message="b: back below 30")
    stub.answers["alerts"] = {"active": [alert("a", ts=now_ms() - 90_000)], "recent": [old]}
    page.goto(f"{stub.url}#/alerts")
    expect(page.get_by_role("heading", name="Alerts")).to_be_focused()
    firing, recent = page.locator(".firing li"), page.locator(".recent li")
    expect(firing).to_have_count(1)
    expect(firing).to_contain_text("for 1 min")
    stub.send("alert", alert("c", "gone", at=now_ms(), message="c: no reading for 30 s"))
    expect(firing).to_have_count(2)
    expect(firing.first).to_contain_text("c: no reading for 30 s")
    expect(recent).to_have_count(2)
    expect(recent.first).to_contain_text("Firing")
    expect(recent.last).to_contain_text("Resolved")
    stub.send("alert", alert("c", "gone", "resolved", at=now_ms(), message="c: here again"))
    expect(firing).to_have_count(1)
    expect(recent.first).to_contain_text("c: here again")


def test_feed_leads_to_the_sensor(page: Page, stub: Stub) -> None:
    """An alert's link opens its sensor, where what fires stands below the name."""
    stub.rows["a/1 x"] = now_row("a/1 x")
    stub.answers["alerts"] = {"active": [alert("a/1 x", ts=now_ms())], "recent": []}
    page.goto(f"{stub.url}#/alerts")
    page.locator(".firing a").click()
    expect(page.get_by_role("heading", name="a/1 x")).to_be_focused()
    expect(page.locator("#sensor > .kind")).to_contain_text("31.2 is above 30 · since")


def test_rules_are_told_in_words(page: Page, stub: Stub) -> None:
    """Each rule says what it watches, when it fires, and for how many sensors it does."""
    stub.answers["rules"] = {"version": 1, "rules": RULES}
    stub.answers["alerts"] = {"active": [alert("a"), alert("b")], "recent": []}
    page.goto(f"{stub.url}#/alerts")
    rules = page.locator(".rules li")
    expect(rules).to_have_text(
        [
            "too-hotValue above 30; back by 0.5 to resolveKind temperature2 firing",
            re.compile("oddValue more than 4 deviations .*, once 30 readings cameAll sensorsquiet"),
            "stuckSame value for 1 minAll sensorsquiet",
            "goneNo reading for 30 sSensors soil_*quiet",
        ]
    )


def test_no_rules_say_how_to_load_some(page: Page, stub: Stub) -> None:
    """Without rules and alerts the view says so, with the line that loads rules."""
    stub.answers["rules"] = {"version": 0, "rules": []}
    page.goto(f"{stub.url}#/alerts")
    expect(page.locator(".rules")).to_contain_text("rillet rules load rules.toml")
    expect(page.locator(".firing")).to_contain_text("Nothing is firing")
    expect(page.locator(".recent")).to_contain_text("No alert has fired")


def test_forgotten_sensor_disappears(page: Page, stub: Stub) -> None:
    """A forgotten sensor leaves the list and its alerts with it, and may come back anew."""
    stub.rows["a"], stub.rows["b"] = now_row("a", count=9), now_row("b")
    stub.answers["alerts"] = {"active": [alert("a")], "recent": []}
    page.goto(stub.url)
    expect(page.locator("[data-tile=alerts]")).to_have_text("1")
    stub.send("stats", [{"sensor": "a", "forgotten": True}])
    expect(page.locator(".card .name")).to_have_text(["b"])
    expect(page.locator("#tally")).to_have_text("1 sensors")
    expect(page.locator("[data-tile=alerts]")).to_have_text("0")
    stub.send("stats", [now_row("a", count=1)])
    expect(figure(page, "a", "count")).to_have_text("1")


def test_view_of_a_forgotten_sensor_says_so(page: Page, stub: Stub) -> None:
    """Who looks at a sensor while it is forgotten is told so in its place."""
    stub.rows["a"] = now_row("a")
    page.goto(f"{stub.url}#/sensor/a")
    expect(page.locator(".figures [data-field=mean]")).to_have_text("20.5")
    stub.send("stats", [{"sensor": "a", "forgotten": True}])
    expect(page.locator("#sensor .notice")).to_contain_text("it was forgotten")
    expect(page.locator(".figures")).to_be_hidden()
