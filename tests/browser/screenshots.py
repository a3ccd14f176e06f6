"""`make screenshots`: docs/images from the real stack, in each size, scheme and state."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from rillet.embedded import EmbeddedServer
from tests.browser.chromium import launch
from tests.browser.stack import Stack
from tests.processes import running
from tests.waiting import until

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
MOST_BYTES = 300_000
PHONE, LAPTOP, WALL = (390, 844), (1440, 900), (2560, 1440)
SIMULATOR = ["--rate", "150", "--day", "45", "--seed", "3"]
FLEET = ["--temperature", "8", "--soil-nitrogen", "6", "--soil-moisture", "6"]
VIEWS = (
    ("dashboard", LAPTOP, "light", ""),
    ("dashboard-dark", LAPTOP, "dark", ""),
    ("phone", PHONE, "light", ""),
    ("phone-dark", PHONE, "dark", "#/sensor/soil_nitrogen-2"),
    ("wall", WALL, "dark", ""),
    ("sensor", LAPTOP, "light", "#/sensor/temperature-1"),
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


def shoot(browser: Browser, stack: Stack, alive: ExitStack) -> None:
    """Take every image: empty, live in all sizes with one sensor stressed, then stale."""
    api = stack.serve()
    with opened(browser, LAPTOP, "light") as page:
        stack.open(page)
        save(page, "empty")
    pages = {}
    for name, size, scheme, route in VIEWS:
        pages[name] = alive.enter_context(opened(browser, size, scheme))
        stack.open(pages[name], route)
    alive.enter_context(running(stack.server, "simulate", *SIMULATOR, *FLEET))
    until(lambda: int(stack.client.hget("stats:temperature-1", "count") or 0) > 300, 120)
    stress(stack, pages["dashboard"])
    for name, page in pages.items():
        page.wait_for_timeout(500)
        save(page, name)
    api.close()
    expect(pages["dashboard"].locator("#link-text")).to_contain_text("Reconnecting in")
    save(pages["dashboard"], "stale")


def stress(stack: Stack, page: Page) -> None:
    """Send a reading that is no number, and to another sensor a last one far from its mean."""
    stack.client.xadd("readings", {"sensor": "temperature-1", "value": "broken"})
    for i in range(45):
        value = 20 + i % 5 / 10 if i < 44 else 33.4
        stack.add("soil_moisture-7", value, kind="soil_moisture", unit="%")
        page.wait_for_timeout(120)  # more than a frame of the stream, so that each is a point


def main() -> None:
    """Make all images."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as play, ExitStack() as alive:
        server = alive.enter_context(EmbeddedServer())
        stack = Stack(server, alive)
        shoot(launch(play), stack, alive)


if __name__ == "__main__":
    main()
