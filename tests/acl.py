"""Starts a server with the ACL file of the deployment, rendered by the deployment's own script."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rillet.embedded import EmbeddedServer
from rillet.settings import Settings

RENDER = Path(__file__).parents[1] / "k8s/base/redis"
USERS = ("admin", "replication", "simulator", "api", "processor", "reader")
NOT_ALLOWED = r"(?i)permission|ACL failure|can't (run this|access)"
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

    def settings(self, user: str, **more: object) -> Settings:
        """Return the settings with which one component reaches this server."""
        login = {"redis_username": user, "redis_password_file": self.users / user / "password"}
        return Settings(redis_url=self.url, **login, **more)  # type: ignore[arg-type]


@contextmanager
def guarded_server(binary: str, folder: Path) -> Iterator[GuardedServer]:
    """Run a server with the ACL file until the block ends."""
    acl = render_users(folder)
    # Only so that EmbeddedServer sees it is up; the file itself turns `default` off.
    text = acl.read_text().replace("user default off nopass", "user default on nopass +ping")
    acl.write_text(text.replace("-@all\nuser admin", "-@all +ping\nuser admin"))
    server = GuardedServer(binary=binary, aclfile=str(acl))
    server.users = folder
    with server:
        yield server
