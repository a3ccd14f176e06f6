"""The forms of `RILLET_REDIS_URL`, read into one value; sends nothing, opens nothing.

redis://[user[:password]@]host[:6379][/db]
rediss://...                                   the same over TLS
unix:///path/to/socket
redis+sentinel://[user[:password]@]host[:26379][,host...]/service[/db]
redis+cluster://[user[:password]@]host[:6379][,host...]
rediss+sentinel://, rediss+cluster://          the same over TLS
"""

from dataclasses import dataclass
from typing import Literal
from urllib.parse import SplitResult, unquote, urlsplit

from rillet.errors import UserError

Kind = Literal["single", "unix", "sentinel", "cluster"]

_KINDS: dict[str, Kind] = {
    "redis": "single",
    "unix": "unix",
    "redis+sentinel": "sentinel",
    "redis+cluster": "cluster",
}
_DEFAULT_PORT = {"sentinel": 26379}


@dataclass(frozen=True, slots=True)
class Address:
    """Where Redis is: one server, three Sentinels that know it, or some nodes of a Cluster.

    `nodes` are (host, port) pairs; `service` is Sentinel's name of the master, else empty.
    """

    kind: Kind
    tls: bool
    nodes: tuple[tuple[str, int], ...]
    username: str | None = None
    password: str | None = None
    db: int = 0
    service: str = ""
    path: str = ""


def parse_address(url: str) -> Address:
    """Read a URL of one of the forms above; raise UserError saying what does not fit."""
    try:
        return _read(url)
    except ValueError as error:
        raise UserError(f"RILLET_REDIS_URL {redact(url)!r} cannot be read: {error}.") from None


def _read(url: str) -> Address:
    parts = urlsplit(url)
    scheme = parts.scheme.replace("rediss", "redis", 1)
    if scheme not in _KINDS:
        raise ValueError(
            "write redis://host:6379/0, rediss:// for TLS, redis+sentinel://host:26379/service "
            "or redis+cluster://host:6379"
        )
    if scheme != "unix" and "@" in f"{parts.path}{parts.query}{parts.fragment}":
        raise ValueError("in a user or password / ? # [ ] are written %2F %3F %23 %5B %5D")
    kind, tls = _KINDS[scheme], parts.scheme.startswith("rediss")
    service, db = _service_and_db(kind, parts)
    username, password, hosts = _login(parts.netloc)
    nodes = _nodes(hosts, _DEFAULT_PORT.get(kind, 6379))
    if kind == "single" and len(nodes) > 1:
        raise ValueError("several servers are redis+sentinel:// or redis+cluster://")
    path = parts.path if kind == "unix" else ""
    return Address(kind, tls, nodes, username, password, db, service, path)


def _login(netloc: str) -> tuple[str | None, str | None, str]:
    login, _, hosts = netloc.rpartition("@")
    username, _, password = login.partition(":")
    return unquote(username) or None, unquote(password) or None, hosts


def _nodes(hosts: str, default_port: int) -> tuple[tuple[str, int], ...]:
    nodes = []
    for host in (hosts or "127.0.0.1").split(","):
        one = urlsplit(f"//{host}")
        if not one.hostname:
            raise ValueError("a host name is missing")
        nodes.append((one.hostname, one.port or default_port))
    return tuple(nodes)


def _service_and_db(kind: Kind, parts: SplitResult) -> tuple[str, int]:
    """Return Sentinel's service name (else empty) and the database number."""
    path = [] if kind == "unix" else [part for part in parts.path.split("/") if part]
    if parts.query:
        raise ValueError("what follows '?' means nothing here; TLS files are settings")
    service = ""
    if kind == "sentinel":
        if not path:
            raise ValueError("name the service, as in redis+sentinel://host:26379/mymaster")
        service = path.pop(0)
    if len(path) > 1 or (path and not path[0].isdigit()):
        raise ValueError(f"{'/'.join(path)!r} is not a database number")
    db = int(path[0]) if path else 0
    if kind == "cluster" and db:
        raise ValueError("a Cluster has database 0 only")
    return service, db


def redact(url: str) -> str:
    """Return the URL without its password, for people to read."""
    front, _, rest = url.partition("//")
    login, _, hosts = rest.rpartition("@")
    user, colon, _ = login.partition(":")
    return f"{front}//{user}:***@{hosts}" if colon else url
