"""Takes a torn transaction out of an append-only file, before its server starts on it.

A server that is killed while it writes a transaction, such as what a script did, leaves the first
part of it. Redis, and Valkey before the mend of its pull request 4342, cut off the command that is
torn and leave the MULTI before it: what is written next is then part of a transaction without end,
and lost when the server starts again. k8s/base/redis/mend-aof.sh does the same in a container.
"""

import re
import subprocess
from pathlib import Path

LINE_BYTES = 24
"""The longest line of a length. A line that begins so near to the end may be torn."""


def mend_torn(binary: str, folder: Path) -> None:
    """Cut the log in a server's folder where its last whole part ends; other damage stays."""
    last = _last_file(folder / "appendonlydir")
    if last and _ends_too_early(_check(binary, last), last.stat().st_size):
        _check(binary, "--fix", last)


def _last_file(folder: Path) -> Path | None:
    """Return the file that was written last, as the manifest tells; None where there is no log."""
    manifest = folder / "appendonly.aof.manifest"
    lines = manifest.read_text().splitlines() if manifest.exists() else []
    names = [line.split()[1] for line in lines if " type i " in f"{line} "]  # Redis 8 goes on
    last = folder / (names[-1] if names else "")
    return last if last.is_file() else None


def _ends_too_early(said: str, size: int) -> bool:
    """Tell whether all that a checker finds wrong is that something is missing at the end."""
    if " is not valid" not in said or "format error" in said or "Unexpected" in said:
        return False
    line = re.search(r"^0x *([0-9a-f]+): Expected \\r\\n", said, re.MULTILINE)
    return not line or int(line[1], 16) >= size - LINE_BYTES


def _check(binary: str, *arguments: str | Path) -> str:
    """Return what the checker says: each server's binary is one, under that name."""
    done = subprocess.run(  # noqa: S603 our own server's binary
        ["redis-check-aof", *arguments],  # noqa: S607 what is run is `executable`
        executable=binary,
        input="y\n",
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    return done.stdout + done.stderr
