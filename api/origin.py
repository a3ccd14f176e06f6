"""Which web pages may ask where no token is: a browser takes any page's requests anywhere; pure."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Scope

from api.problems import problem
from rillet.settings import Settings, parts

FOREIGN = (
    "A page of another origin may not write here: list it in RILLET_CORS_ORIGINS, "
    "or set RILLET_WRITE_TOKEN."
)
MISDIRECTED = (
    "On loopback, where no token is asked for, only local names are answered: set "
    "RILLET_READ_TOKEN and RILLET_WRITE_TOKEN, or RILLET_ALLOW_ANONYMOUS=true where a proxy in "
    "front asks."
)


class Origins:
    """Tells the requests of the own page, of listed ones and of programs from those of others."""

    def __init__(self, settings: Settings) -> None:
        self.listed = listed(settings)
        self.host = settings.host.lower()
        self.open_to_all = settings.allow_anonymous

    def refusal(self, scope: Scope, *, writes: bool) -> Response | None:
        """Return the answer to a page that may not ask, or None; programs send no such headers."""
        headers = Headers(scope=scope)
        if not self.open_to_all and _on_loopback(scope) and not self._local(headers.get("host")):
            return problem(421, MISDIRECTED)
        if writes and self._foreign(headers):
            return problem(403, FOREIGN)
        return None

    def _foreign(self, headers: Headers) -> bool:
        origin = headers.get("origin", "")
        if "*" in self.listed or origin in self.listed:
            return False
        site = headers.get("sec-fetch-site")
        if site is not None:
            return site not in {"same-origin", "none"}
        # Older browsers say the origin alone.
        return (
            bool(origin) and origin.partition("://")[2].lower() != headers.get("host", "").lower()
        )

    def _local(self, host: str | None) -> bool:
        """Tell whether no other machine can have this name: one may point its own to loopback.

        Then its page's requests are of its own origin (DNS rebinding). A name without a dot is
        nobody's to buy.
        """
        if not host:
            return True
        try:
            name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
            return "." not in name or name == self.host or _is_address(name)
        except ValueError:
            return False


def listed(settings: Settings) -> list[str]:
    """Return the origins whose pages may use the API."""
    return parts(settings.cors_origins)


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach this address or name."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _on_loopback(scope: Scope) -> bool:
    server = scope.get("server")
    return server is not None and is_loopback(server[0])


def _is_address(name: str) -> bool:
    try:
        return bool(ip_address(name))
    except ValueError:
        return name.endswith(".localhost")
