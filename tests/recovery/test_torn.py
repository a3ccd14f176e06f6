"""A server killed in the midst of writing a transaction: what comes after it is not lost."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from rillet.aof import mend_torn
from rillet.embedded import EmbeddedServer
from rillet.errors import UserError
from tests.aof import BEFORE, WHOLE, last_file, log_of, writing

SCRIPT = Path(__file__).parents[2] / "k8s/base/redis/mend-aof.sh"


def mend_in_container(_binary: str, folder: Path) -> None:
    """Do as a container does before its server starts."""
    if not shutil.which("redis-check-aof") and not shutil.which("valkey-check-aof"):
        pytest.skip("no redis-check-aof here")
    subprocess.run(["sh", SCRIPT, folder], check=True)


MENDS = {"embedded": mend_torn, "container": mend_in_container}


@pytest.mark.parametrize("torn_at", [3, 9, 16, 28, 43, 60, 70, len(WHOLE) - 3])
def test_what_follows_a_torn_transaction_is_kept(server: EmbeddedServer, torn_at: int) -> None:
    """Of the torn one nothing is done, and all that is written after it outlives the next kill."""
    with writing(server.binary) as (own, client):
        client.set("before", "1")
        own.kill()
        with last_file(own.folder).open("ab") as file:
            file.write(WHOLE[:torn_at])
        own.start()
        client.set("after", "1")
        with client.pipeline() as both:
            both.set("both", "1")
            both.set("both too", "1")
            both.execute()
        client.set("last", "1")
        own.kill()
        own.start()
        assert sorted(client.keys()) == [b"after", b"before", b"both", b"both too", b"last"]


@pytest.mark.parametrize("more", ["", " startoffset 12"], ids=["redis 7", "redis 8"])
@pytest.mark.parametrize("mend", MENDS.values(), ids=MENDS)
def test_wherever_it_is_torn_it_is_cut_where_it_begins(
    server: EmbeddedServer, tmp_path: Path, mend: Callable[[str, Path], None], more: str
) -> None:
    """Torn anywhere (at every third byte), all of it goes; a whole one stays."""
    for end in (*range(0, len(WHOLE), 3), len(WHOLE)):
        log = log_of(tmp_path, BEFORE + WHOLE[:end], more)
        mend(server.binary, tmp_path)
        assert log.read_bytes() == BEFORE + (WHOLE if end == len(WHOLE) else b""), end


DAMAGED = {
    "garbage before": b"what is this?\r\n" + BEFORE + WHOLE,
    "garbage within": BEFORE + b"what is this?\r\n" + WHOLE,
    "a wrong length": BEFORE + WHOLE.replace(b"$4\r\ntorn", b"$3\r\ntorn") + BEFORE,
    "two that begin": BEFORE + WHOLE[:15] + WHOLE + BEFORE,
    "an end without a beginning": BEFORE + WHOLE[15:] + BEFORE,
}


@pytest.mark.parametrize("mend", MENDS.values(), ids=MENDS)
@pytest.mark.parametrize("damage", DAMAGED)
def test_of_other_damage_nothing_is_cut(
    server: EmbeddedServer, tmp_path: Path, mend: Callable[[str, Path], None], damage: str
) -> None:
    """What is damaged elsewhere than at its end stays as it is, for its owner to look at."""
    log = log_of(tmp_path, DAMAGED[damage])
    mend(server.binary, tmp_path)
    assert log.read_bytes() == DAMAGED[damage]


def test_a_log_of_another_name_is_found(server: EmbeddedServer, tmp_path: Path) -> None:
    """The script goes by what is there, whatever `appenddirname` and `appendfilename` are."""
    log = log_of(tmp_path, BEFORE + WHOLE[:60])
    manifest = log.with_name("appendonly.aof.manifest")
    manifest.rename(manifest.with_name("other.manifest"))
    log.parent.rename(tmp_path / "elsewhere")
    mend_in_container(server.binary, tmp_path)
    assert (tmp_path / "elsewhere" / log.name).read_bytes() == BEFORE


def test_a_log_that_is_gone_is_left_to_the_server(server: EmbeddedServer, tmp_path: Path) -> None:
    """What the manifest names and is not there is no matter of the mend; the server says it."""
    log_of(tmp_path, BEFORE).unlink()
    for mend in MENDS.values():
        mend(server.binary, tmp_path)
    with pytest.raises(UserError, match="did not start"), writing(server.binary, tmp_path):
        pass


def test_where_there_is_no_log_nothing_is_done(server: EmbeddedServer, tmp_path: Path) -> None:
    """A first start, or a server without an append-only file, is none of its business."""
    for mend in MENDS.values():
        mend(server.binary, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_log_is_told_by_the_server(server: EmbeddedServer, tmp_path: Path) -> None:
    """A server that cannot read its log does not start, and says why."""
    log_of(tmp_path, DAMAGED["garbage before"])
    with pytest.raises(UserError, match="did not start"), writing(server.binary, tmp_path):
        pass
