"""Serves web/: compressed, and asked for again at each visit so that an upgrade shows at once."""

import os

from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from rillet.assets import asset_folder


class Page(StaticFiles):
    """The page's files; with the ETag they carry, an unchanged one is answered with 304."""

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        """Return the file, or 304 where the browser holds this very one."""
        answer = super().file_response(full_path, stat_result, scope, status_code)
        answer.headers["Cache-Control"] = "no-cache"
        return answer


def files(folder: str | os.PathLike[str], *, html: bool = False) -> GZipMiddleware:
    """Return the application that serves a folder; `html`: its index.html too."""
    return GZipMiddleware(Page(directory=folder, html=html), minimum_size=500)


def page() -> GZipMiddleware:
    """Return the application that serves web/."""
    return files(asset_folder("web"), html=True)
