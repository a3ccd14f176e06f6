"""The redis-cli line for every kind of address, and what it asks a server with a login."""

import asyncio
import shutil
import subprocess
from types import SimpleNamespace
from typing import Any

import pytest
import redis

from api.terminal import redis_cli
from rillet.demo import packaged_cli
from rillet.embedded import EmbeddedServer
from rillet.settings import Settings

NODE = "-h 127.0.0.1 -p 6379"
LINES = {
    "redis://10.0.0.1:6400/2": "-u redis://10.0.0.1:6400/2",
    "redis://[::1]": "-h ::1 -p 6379 -n 0",
    "redis://ann:secret@127.0.0.1": "-u redis://127.0.0.1:6379/0 --user ann --askpass",
    "redis://:secret@127.0.0.1": "-u redis://127.0.0.1:6379/0 --askpass",
    "rediss://127.0.0.1/1": "-u rediss://127.0.0.1:6379/1 --tls",
    "unix:///run/redis.sock": "-s /run/redis.sock -n 0",
    "redis+cluster://127.0.0.1": f"-c {NODE}",
    "rediss+cluster://:secret@127.0.0.1": f"-c {NODE} --tls --askpass",
    "redis+sentinel://10.0.0.1/rillet/3": "-u redis://10.0.0.9:6380/3",
}


async def line(**settings: Any) -> str:
    """Return the options for these settings; Sentinels name 10.0.0.9:6380."""

    async def master() -> tuple[str, int]:
        return "10.0.0.9", 6380

    client = SimpleNamespace(connection_pool=SimpleNamespace(get_master_address=master))
    return " ".join((await redis_cli(Settings(**settings), client))[1:])


@pytest.mark.parametrize("url", LINES)
async def test_line_leads_to_the_server(url: str) -> None:
    """The line names server, database, TLS and user of each kind of address, and no password."""
    assert await line(redis_url=url) == LINES[url]


async def test_line_has_what_the_settings_add(tmp_path: Any) -> None:
    """User, password file and certificates are in the line though the address has none of them."""
    rest = f"--cacert {tmp_path}/ca.pem --user reader"
    given = await line(
        redis_url="rediss://127.0.0.1",
        redis_username="reader",
        redis_password_file=tmp_path / "password",
        redis_ca_file=tmp_path / "ca.pem",
    )
    assert given == f"-u rediss://127.0.0.1:6379/0 --tls {rest} --askpass"


def test_line_works_with_a_login(server: EmbeddedServer, client: redis.Redis) -> None:
    """redis-cli with this line asks for the password, and then answers."""
    cli = shutil.which("redis-cli") or packaged_cli()
    if cli is None:
        pytest.skip("no redis-cli on PATH and none of the embedded server")
    client.acl_setuser("ann", enabled=True, passwords=["+secret"], categories=["+@all"])
    try:
        options = asyncio.run(line(redis_url=server.url.replace("//", "//ann:secret@"))).split()
        command = [cli, *options, "ACL", "WHOAMI"]
        said = subprocess.run(command, check=True, input="secret\n", text=True, capture_output=True)
    finally:
        client.acl_deluser("ann")
    assert "ann" in said.stdout.split()
