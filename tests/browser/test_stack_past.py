"""Windows, quantiles, alerts and forgetting on the real stack, as the page shows them."""

import httpx
from playwright.sync_api import Page, expect
from pydantic import SecretStr

from processor.forget import forget
from rillet.keys import partition_keys
from rillet.settings import Settings
from tests.browser.rows import now_ms
from tests.browser.stack import Stack
from tests.waiting import until

RULES = '[[rule]]\nname = "too-hot"\ntype = "limit"\nhigh = 30.0\nhysteresis = 1.0\n'


def add_past(stack: Stack, sensor: str, minutes: int) -> None:
    """Send a reading a second of the last so many minutes, in order."""
    begin, count = now_ms() - minutes * 60_000, minutes * 60
    pipe = stack.client.pipeline(transaction=False)
    for i in range(count):
        reading = {"sensor": sensor, "value": 20 + i % 7 / 10, "ts": begin + i * 1000}
        pipe.xadd("readings", {**reading, "unit": "°C"})
    pipe.execute()
    until(lambda: int(stack.client.hget(f"stats:{sensor}", "count") or 0) == count)


def test_range_shows_what_the_api_says(page: Page, served: Stack) -> None:
    """The figures of the last hour are those of the API to the last digit, and the chart has it."""
    add_past(served, "a", 10)
    served.open(page, "#/sensor/a?over=1h")
    over = httpx.get(f"{served.url}api/sensors/a", params={"over": "1h"}, timeout=20).json()["over"]
    assert over["count"] == 600
    for name in ("count", "mean", "stddev", "min", "max", "sum", "p50", "p90", "p99"):
        cell = page.locator(f".figures [data-over={name}]")
        expect(cell).not_to_be_empty()
        assert float(cell.inner_text()) == over[name], name
    page.get_by_text("As a table").click()
    until(lambda: 10 <= page.locator(".points tbody tr").count() <= 11)  # minutes, or parts of two


def test_sensor_named_like_a_route_has_its_own_past(page: Page, served: Stack) -> None:
    """What the page shows of `a/windows` is that sensor's, not the windows of `a`."""
    served.add("a/windows", 1.0, 2.0)
    served.open(page, "#/sensor/a%2Fwindows?over=1h")
    expect(page.locator(".figures [data-over=count]")).to_have_text("2")


def test_live_view_has_quantiles_within_a_hundredth(page: Page, served: Stack) -> None:
    """The median of all readings stands in the view, right within 1%."""
    served.add("a", *(float(n) for n in range(1, 102)))
    served.open(page, "#/sensor/a")
    cell = page.locator(".figures [data-field=p50]")
    expect(cell).not_to_be_empty()
    assert abs(float(cell.inner_text()) - 51) <= 0.51


def test_alert_fires_and_is_resolved(page: Page, served: Stack) -> None:
    """A reading above a rule's limit raises its sensor on the open page; one below ends it."""
    served.add("a", 20.0)
    served.open(page)
    headers = {"Content-Type": "application/toml"}
    httpx.put(
        f"{served.url}api/rules", content=RULES, headers=headers, timeout=20
    ).raise_for_status()
    served.add("a", 31.5)
    expect(page.locator("[data-tile=alerts]")).to_have_text("1")
    expect(page.locator('.card[data-sensor="a"] .state')).to_have_text("Stressed")
    page.get_by_role("link", name="Alerts 1").click()
    expect(page.locator(".firing li")).to_contain_text("too-hot")
    expect(page.locator(".rules li")).to_contain_text("Value above 30")
    served.add("a", 25.0)
    expect(page.locator(".firing")).to_contain_text("Nothing is firing")
    expect(page.locator(".recent li").first).to_contain_text("Resolved")


def test_forgotten_sensor_leaves_the_open_page(page: Page, served: Stack) -> None:
    """A sensor that is forgotten leaves the open page without a reload."""
    served.add("a", 1.0)
    served.add("b", 1.0)
    served.open(page)
    expect(page.locator(".card")).to_have_count(2)
    settings = Settings(redis_url=SecretStr(served.server.url))
    forget(served.client, settings, partition_keys(settings)[0], ["a"])
    expect(page.locator(".card .name")).to_have_text(["b"])
