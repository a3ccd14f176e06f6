"""Starts a server with the ACL file of the deployment, rendered by the deployment's own script."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from rillet.connect import connect
from rillet.embedded import EmbeddedServer
from rillet.settings import Settings

RENDER = Path(__file__).parents[1] / "k8s/base/redis"
USERS = ("admin", "replication", "simulator", "api", "processor", "reader")
NOT_ALLOWED = r"(?i)permission|ACL failure|can't (run this|access)|Authentication required"
"""How a server says that a right is missing: Redis 7.0 words it in three ways."""


def render_users(folder: Path) -> Path:
    """Make a password for each user in `folder`, and the ACL file; return the file."""
    for user in USERS:
        (folder / user).mkdir()
        (folder / user / "password").write_text(f"secret-of-{user}\n")
    out = folder / "users.acl"
    command = ["sh", str(RENDER / "render-acl.sh"), str(RENDER / "users.acl"), str(folder), out]
    subprocess.run(command, check=True)
    return out


class GuardedServer(EmbeddedServer):
    """A server that knows only the deployment's users, but for `default`, which may PING."""

    users: Path

    def looking(self) -> redis.Redis:
        """Log in as admin: nobody can as `default`."""
        return connect(self.settings("admin"))

    def settings(self, user: str, **more: object) -> Settings:
        """Return the settings with which one component reaches this server."""
        login = {"redis_username": user, "redis_password_file": self.users / user / "password"}
        return Settings(redis_url=self.url, **login, **more)  # type: ignore[arg-type]


@contextmanager
def guarded_server(binary: str, folder: Path, **options: str) -> Iterator[GuardedServer]:
    """Run a server with the ACL file, and options of its own, until the block ends."""
    server = GuardedServer(binary=binary, aclfile=str(render_users(folder)), **options)
    server.users = folder
    with server:
        yield server
