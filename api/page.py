"""Serves web/: compressed, and asked for again at each visit so that an upgrade shows at once."""

import gzip
import hashlib
import mimetypes
import os
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG
from typing import Self

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from rillet.assets import asset_folder

SMALL_BYTES = 500
"""Files below this are not worth compressing."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One file in memory, plain and compressed, as it was at `changed_ns`."""

    changed_ns: int
    body: bytes
    packed: bytes
    headers: dict[str, str]

    @classmethod
    def read(cls, path: str, changed_ns: int) -> Self:
        """Read and compress a file."""
        body = Path(path).read_bytes()
        kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
        headers = {
            "Content-Type": f"{kind}; charset=utf-8" if kind.startswith("text/") else kind,
            "ETag": f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"',
            "Cache-Control": "no-cache",
            "Vary": "Accept-Encoding",
        }
        packed = gzip.compress(body, mtime=0) if len(body) >= SMALL_BYTES else b""
        return cls(changed_ns, body, packed, headers)

    def answer(self, asked: Headers) -> Response:
        """Return the file, or 304 where the browser holds this very one."""
        if self.headers["ETag"] in asked.get("if-none-match", ""):
            return Response(status_code=304, headers=self.headers)
        if self.packed and "gzip" in asked.get("accept-encoding", ""):
            return Response(self.packed, headers=self.headers | {"Content-Encoding": "gzip"})
        return Response(self.body, headers=self.headers)


class Files(StaticFiles):
    """A folder's files out of memory: the page is many small ones, and no thread is asked for any.

    A file that has changed is read anew.
    """

    def __init__(self, folder: str | os.PathLike[str], *, html: bool) -> None:
        super().__init__(directory=folder, html=html)
        self.kept: dict[str, Kept] = {}

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Answer one request for a file below the folder."""
        if scope["method"] not in {"GET", "HEAD"}:
            raise HTTPException(405)
        wanted = "index.html" if self.html and path == "." else path
        try:
            full_path, found = self.lookup_path(wanted)
        except (OSError, ValueError):  # a name that no file can have
            raise HTTPException(404) from None
        if found is None or not S_ISREG(found.st_mode):
            raise HTTPException(404)
        kept = self.kept.get(full_path)
        if kept is None or kept.changed_ns != found.st_mtime_ns:
            kept = self.kept[full_path] = Kept.read(full_path, found.st_mtime_ns)
        return kept.answer(Headers(scope=scope))


def files(folder: str | os.PathLike[str], *, html: bool = False) -> Files:
    """Return the application that serves a folder; `html`: its index.html too."""
    return Files(folder, html=html)


def page() -> Files:
    """Return the application that serves web/."""
    return files(asset_folder("web"), html=True)
