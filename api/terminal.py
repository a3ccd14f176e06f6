"""The redis-cli line of the API's own server; behind Sentinels, of the master they name now."""

from typing import Any

from rillet import terminal
from rillet.address import parse_address
from rillet.settings import Settings


async def redis_cli(settings: Settings, client: Any) -> list[str]:
    """Return `redis-cli` and its options."""
    server = None
    if parse_address(settings.redis_url.get_secret_value()).kind == "sentinel":
        server = await client.connection_pool.get_master_address()
    return terminal.redis_cli(settings, server)
