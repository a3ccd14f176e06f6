"""`make screenshots`: docs/images from the real stack, in each size, scheme and state."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
from playwright.sync_api import Browser, Page, expect, sync_playwright

from rillet.embedded import EmbeddedServer
from tests.browser.chromium import launch
from tests.browser.field import RULES, Field
from tests.browser.rows import now_ms
from tests.browser.stack import Stack
from tests.waiting import until

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
MOST_BYTES = 250_000
PHONE, LAPTOP, WALL = (390, 844), (1440, 900), (2560, 1440)
STEP_S = 0.2
HOT, GONE, LATELY_HOT = "temperature-3", "soil_moisture-4", "temperature-6"
Views = tuple[tuple[str, tuple[int, int], str, str], ...]
CALM: Views = (
    ("dashboard", LAPTOP, "light", ""),
    ("dashboard-dark", LAPTOP, "dark", ""),
    ("phone", PHONE, "light", ""),
    ("sensor", LAPTOP, "light", "#/sensor/temperature-1?over=24h"),
    ("phone-dark", PHONE, "dark", "#/sensor/soil_nitrogen-2?over=1h"),
)
ALERTING: Views = (
    ("alerting", LAPTOP, "light", ""),
    ("alerts", LAPTOP, "light", "#/alerts"),
    ("wall", WALL, "dark", ""),
    ("sensor-alerting", LAPTOP, "dark", f"#/sensor/{HOT}"),
)


@contextmanager
def opened(browser: Browser, size: tuple[int, int], scheme: str) -> Iterator[Page]:
    """Yield a page of this size (width, height in px) and colour scheme."""
    view = {"width": size[0], "height": size[1]}
    ratio = 0.5 if size == WALL else 1  # half the pixels: the file stays small
    context = browser.new_context(
        viewport=view,  # type: ignore[arg-type]
        color_scheme=scheme,  # type: ignore[arg-type]
        device_scale_factor=ratio,
    )
    yield context.new_page()
    context.close()


def save(page: Page, name: str) -> None:
    """Write one image and say so; fail where it is too large for the repository."""
    path = IMAGES / f"{name}.png"
    page.screenshot(path=path)
    assert path.stat().st_size < MOST_BYTES, f"{path.name} is {path.stat().st_size} bytes"


def feed(stack: Stack, field: Field, pages: dict[str, Page], done: Callable[[], bool]) -> None:
    """Send readings in real time until `done`, while the pages take them."""

    def step() -> bool:
        field.send(stack.client, now_ms())
        for page in pages.values():
            page.wait_for_timeout(1000 * STEP_S / len(pages))
        return done()

    until(step, 180)


def open_all(
    browser: Browser, stack: Stack, alive: ExitStack, views: Views, between: Callable[[], None]
) -> dict[str, Page]:
    """Open these views, each in a context of its own; `between` keeps the sensors sending."""
    pages = {}
    for name, size, scheme, route in views:
        between()
        pages[name] = alive.enter_context(opened(browser, size, scheme))
        stack.open(pages[name], route)
    return pages


def seconds(number: float) -> Callable[[], bool]:
    """Return what becomes true after so long."""
    end = time.monotonic() + number
    return lambda: time.monotonic() > end


def shoot(browser: Browser, stack: Stack) -> None:
    """Take every image: empty, live, alerting and stale, in all sizes."""
    field, api = Field(), stack.serve()

    def send() -> None:
        field.send(stack.client, now_ms())

    with ExitStack() as alive:
        page = alive.enter_context(opened(browser, LAPTOP, "light"))
        stack.open(page)
        save(page, "empty")
    sent = field.send_past(stack.client, now_ms())
    until(lambda: int(stack.client.hget(f"stats:{HOT}", "count") or 0) == sent, 120)
    with ExitStack() as alive:
        pages = open_all(browser, stack, alive, CALM, send)
        feed(stack, field, pages, seconds(20))
        for name, page in pages.items():
            save(page, name)
    with ExitStack() as alive:
        headers = {"Content-Type": "application/toml"}
        httpx.put(f"{stack.url}api/rules", content=RULES, headers=headers).raise_for_status()
        pages = open_all(browser, stack, alive, ALERTING, send)
        pages["alerting"].get_by_label("Sort").select_option("state")
        make_alerts(stack, field, pages)
        for name, page in pages.items():
            save(page, name)
        api.close()
        page = pages["alerting"]
        expect(page.locator("#link-text")).to_contain_text("Reconnecting in")
        save(page, "stale")


def make_alerts(stack: Stack, field: Field, pages: dict[str, Page]) -> None:
    """Let one sensor be too hot for a while, then another one and a third fall silent."""
    firing = pages["alerting"].locator("[data-tile=alerts]")

    def fires(number: int) -> Callable[[], bool]:
        return lambda: firing.inner_text() == str(number)

    feed(stack, field, pages, seconds(8))
    field.offsets[LATELY_HOT] = 14.0
    feed(stack, field, pages, fires(1))
    del field.offsets[LATELY_HOT]
    feed(stack, field, pages, fires(0))
    stack.client.xadd("readings", {"sensor": HOT, "value": "broken"})
    field.silent.add(GONE)
    feed(stack, field, pages, fires(1))
    field.offsets[HOT] = 15.0
    feed(stack, field, pages, fires(2))
    feed(stack, field, pages, seconds(6))


def main() -> None:
    """Make all images."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as play, ExitStack() as alive:
        server = alive.enter_context(EmbeddedServer())
        stack = Stack(server, alive)
        shoot(launch(play), stack)


if __name__ == "__main__":
    main()
