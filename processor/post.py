"""Posts one change of an alert to a webhook: the JSON that Slack takes, and what an answer means.

The standard library's HTTP client is enough for one small request at a time, so that no library
has to come along for it. Redirects are not followed: they would turn the POST into a GET.
"""

import http.client
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

import orjson

from rillet import __version__
from rillet.errors import UserError

SAID_BYTES = 200
"""How much of a refusal's text is read."""


class PostError(Exception):
    """The receiver has not taken it; `retry_after_s` is how long it asks to be left alone."""

    def __init__(self, reason: str, retry_after_s: float = 0.0) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Follow nothing; the redirect is then an answer like any other."""


class Receiver:
    """Where alerts are posted."""

    def __init__(self, url: str, timeout_s: float) -> None:
        self.host = _host(url)
        self._url = url
        self._timeout_s = timeout_s
        self._opener = build_opener(_NoRedirects)

    def post(self, body: bytes) -> None:
        """Post JSON; raise PostError unless the answer is 2xx."""
        headers = {"Content-Type": "application/json", "User-Agent": f"rillet/{__version__}"}
        request = Request(self._url, body, headers)  # noqa: S310 the scheme was checked
        try:
            with self._opener.open(request, timeout=self._timeout_s):
                return
        except HTTPError as error:
            with error:
                raise PostError(_refusal(error), _wait_s(error)) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise PostError(f"{type(error).__name__}: {error}") from None


def _host(url: str) -> str:
    try:
        parts = urlsplit(url)
        if parts.scheme in {"http", "https"} and parts.hostname:
            return parts.hostname
    except ValueError:
        pass
    raise UserError("RILLET_WEBHOOK_URL is no address: write https://host/path.")


def _refusal(error: HTTPError) -> str:
    try:
        said = error.read(SAID_BYTES).decode("utf-8", "replace").strip()
    except (OSError, http.client.HTTPException):
        said = ""
    return f"{error.code} {said or error.reason}"


def _wait_s(error: HTTPError) -> float:
    """Return the seconds of Retry-After; 0 where there is none, or a date."""
    given = error.headers.get("Retry-After", "")
    return float(given) if given.isascii() and given.isdigit() else 0.0


def message(alert: dict[str, Any]) -> bytes:
    """Return the JSON of one change: the alert's own fields, and `text` as Slack shows it."""
    state = str(alert.get("state", ""))
    said = str(alert.get("message") or f"{alert.get('sensor')}, rule {alert.get('rule')}")
    text = (
        f"{state.capitalize()}: {said}".replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
    )
    return orjson.dumps({"text": text} | alert)
