"""The redis-cli options that lead to the server of the settings, for people who look in. Pure."""

from rillet.address import Address, parse_address
from rillet.settings import Settings


def redis_cli(settings: Settings, server: tuple[str, int] | None = None) -> list[str]:
    """Return `redis-cli` and its options; `server` is one node, or the master that Sentinels name.

    A password is never in it: redis-cli asks for it.
    """
    address = parse_address(settings.redis_url.get_secret_value())
    return [
        "redis-cli",
        *_where(address, *(server or address.nodes[0])),
        *_tls(settings, address),
        *_login(settings, address),
    ]


def _where(address: Address, host: str, port: int) -> list[str]:
    if address.kind == "unix":
        return ["-s", address.path, "-n", str(address.db)]
    to = ["-h", host, "-p", str(port)]
    if address.kind == "cluster":
        return ["-c", *to]
    if ":" in host:  # redis-cli 7.0 reads no IPv6 address out of a URL
        return [*to, "-n", str(address.db)]
    return ["-u", f"{'rediss' if address.tls else 'redis'}://{host}:{port}/{address.db}"]


def _tls(settings: Settings, address: Address) -> list[str]:
    files = {
        "--cacert": settings.redis_ca_file,
        "--cert": settings.redis_cert_file,
        "--key": settings.redis_key_file,
    }
    told = [part for name, file in files.items() if file for part in (name, str(file))]
    return ["--tls", *told] if address.tls else []


def _login(settings: Settings, address: Address) -> list[str]:
    user = settings.redis_username or address.username
    secret = settings.redis_password_file or address.password
    named = ["--user", user] if user else []
    return [*named, "--askpass"] if user or secret else []
