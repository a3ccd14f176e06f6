"""Connections to Redis: the one place that turns `RILLET_REDIS_URL` into a client."""

from urllib.parse import urlsplit

import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.retry import Retry

from rillet.errors import UserError
from rillet.settings import Settings

SCHEMES = ("redis", "rediss", "unix")


def _url(settings: Settings) -> str:
    url = settings.redis_url.get_secret_value()
    if urlsplit(url).scheme not in SCHEMES:
        raise UserError(
            f"RILLET_REDIS_URL {redact(url)!r} is not an address Rillet knows: "
            "write redis://host:6379/0, or rediss:// for TLS."
        )
    return url


def redact(url: str) -> str:
    """Return the URL without its password, for people to read."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    return url.replace(f":{parts.password}@", ":***@")


def connect(settings: Settings) -> redis.Redis:
    """Return a blocking client that answers bytes; nothing is sent yet."""
    try:
        client: redis.Redis = redis.Redis.from_url(
            _url(settings), protocol=2, socket_connect_timeout=5, retry=Retry(NoBackoff(), 0)
        )
    except ValueError as error:
        raise UserError(f"RILLET_REDIS_URL cannot be read: {error}.") from None
    return client


def connect_async(settings: Settings) -> redis.asyncio.Redis:
    """Return an asyncio client that answers bytes; nothing is sent yet."""
    try:
        client: redis.asyncio.Redis = redis.asyncio.Redis.from_url(
            _url(settings), protocol=2, socket_connect_timeout=5
        )
    except ValueError as error:
        raise UserError(f"RILLET_REDIS_URL cannot be read: {error}.") from None
    return client


def check_reachable(settings: Settings) -> None:
    """Raise UserError with one clear line unless the server answers a PING."""
    shown = redact(settings.redis_url.get_secret_value())
    with connect(settings) as client:
        try:
            client.ping()
        except redis.AuthenticationError as error:
            raise UserError(f"Redis at {shown} refused the login: {error}.") from None
        except (redis.RedisError, OSError) as error:
            raise UserError(
                f"No Redis answers at {shown} ({error}). Start one, set RILLET_REDIS_URL, "
                "or run `rillet demo`, which brings its own."
            ) from None
