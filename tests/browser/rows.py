"""Rows of this moment, where the page shows them, and whether anyone sees it."""

import time

from playwright.sync_api import Locator, Page

from tests.browser.stub import row

DASH = "\u2013"
"""What stands where a figure is not known."""


def now_ms() -> int:
    """Return this moment in milliseconds."""
    return int(time.time() * 1000)


def now_row(sensor: str, **fields: object) -> dict[str, object]:
    """Return a row whose last reading is of this moment, so that the sensor is not silent."""
    return row(sensor, last_id=f"{now_ms()}-0", **fields)


def figure(page: Page, sensor: str, field: str) -> Locator:
    """Return the element that shows one figure of one card."""
    return page.locator(f'.card[data-sensor="{sensor}"] [data-field="{field}"]')


def hide(page: Page, *, hidden: bool = True) -> None:
    """Let the page believe that nobody sees it, as behind another tab; or that someone does."""
    page.evaluate(
        """(hidden) => {
            Object.defineProperty(document, "hidden", {get: () => hidden, configurable: true});
            document.dispatchEvent(new Event("visibilitychange"));
        }""",
        hidden,
    )
