"""Finds and starts the machine's own Chromium; Playwright's download is not needed."""

import shutil

from playwright.sync_api import Browser, Playwright

CANDIDATES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def find() -> str | None:
    """Return the path of the first browser on PATH."""
    return next(filter(None, map(shutil.which, CANDIDATES)), None)


def launch(play: Playwright) -> Browser:
    """Start the browser without a window."""
    return play.chromium.launch(executable_path=find(), args=FLAGS)
