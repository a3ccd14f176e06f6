"""The page's files: compressed, kept in memory, and never another file than the folder's."""

import asyncio
import gzip
import os
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from api.page import files

TEXT = "one line of a module\n" * 100


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "secret.js").write_text("secret")
    inside = tmp_path / "web"
    (inside / "js").mkdir(parents=True)
    (inside / "index.html").write_text("<!doctype html><title>The page</title>")
    (inside / "js" / "main.js").write_text(TEXT)
    return inside


class Client:
    """Asks the application without a socket."""

    def __init__(self, folder: Path) -> None:
        self.app = Starlette(routes=[Mount("/", files(folder, html=True))])

    def ask(self, path: str, method: str = "GET", **headers: str) -> httpx.Response:
        """Return the answer; `headers` with _ for -."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}

        async def one() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://page") as client:
                return await client.request(method, path, headers=named)

        return asyncio.run(one())


@pytest.fixture
def client(folder: Path) -> Client:
    return Client(folder)


def test_files_come_compressed_where_the_browser_takes_it(client: Client) -> None:
    """A file is the same with gzip and without, and says which it is and what it is."""
    packed = client.ask("/js/main.js", accept_encoding="gzip")
    plain = client.ask("/js/main.js", accept_encoding="identity")
    assert packed.text == plain.text == TEXT
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) == len(gzip.compress(TEXT.encode(), mtime=0))
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-type"] == "text/javascript; charset=utf-8"
    assert packed.headers["vary"] == "Accept-Encoding"


def test_unchanged_file_is_not_sent_again(client: Client, folder: Path) -> None:
    """A browser that holds the file is told so in 304, until the file has changed."""
    first = client.ask("/js/main.js")
    tag = first.headers["etag"]
    assert client.ask("/js/main.js", if_none_match=tag).status_code == 304
    (folder / "js" / "main.js").write_text("changed")
    os.utime(folder / "js" / "main.js", ns=(1, 1))
    changed = client.ask("/js/main.js", if_none_match=tag)
    assert (changed.status_code, changed.text) == (200, "changed")


def test_root_is_the_page(client: Client) -> None:
    """The folder's own address is index.html, asked for again at each visit."""
    answer = client.ask("/")
    assert "The page" in answer.text
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    ["/none.js", "/js", "/js/", "/../secret.js", "/%2e%2e/secret.js", "/a%00b", "/" + "x" * 999],
)
def test_what_is_no_file_of_the_folder_is_404(client: Client, path: str) -> None:
    """Folders, files outside and names that no file can have are not found."""
    assert client.ask(path).status_code == 404


def test_files_are_only_read(client: Client) -> None:
    """Another method than GET and HEAD is 405."""
    assert client.ask("/js/main.js", "POST").status_code == 405
