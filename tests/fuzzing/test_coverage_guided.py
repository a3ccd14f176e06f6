"""A short run of the coverage-guided fuzzer, from seeds, and that it finds what it should."""

import subprocess
import sys
from pathlib import Path

import pytest

from rillet.embedded import EmbeddedServer

pytest.importorskip("atheris", reason="Atheris has no package for this machine")

SEEDS = (
    b'\x00{"sensor":"a","value":1.5,"ts":5,"seq":7,"kind":"soil","unit":"%"}',
    b'\x00{"sensor":"a","values":[1,2.5,-3e-7],"ts":"1000000000000"}',
    b'\x00{"sensor":"a","value":"+1e100"}',
    b"\x01\x00\x01a\x01\x0421.5\x04\x0512345\x05\x017",
    b"\x01\x00\x01a\x02\x071,2,3e4",
    b"\x01\x00\x01a\x03\x10" + b"\x00" * 16 + b"\x06\x04soil\x07\x01%",
)


def fuzz(server: EmbeddedServer, folder: Path, *options: str, code: str = "") -> str:
    """Run the target on seeds of its own; `code` is run before it. Return what it said."""
    corpus = folder / "corpus"
    corpus.mkdir()
    for n, seed in enumerate(SEEDS):
        (corpus / f"{n}").write_bytes(seed)
    run = f"{code}\nfrom tests.fuzzing.target import main\nmain()"
    done = subprocess.run(
        [
            *(sys.executable, "-c", run, f"{server.port}", *options),
            *("-max_len=160", f"-artifact_prefix={folder}/", str(corpus)),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
        cwd=Path(__file__).parents[2],
    )
    return f"{done.returncode}\n{done.stdout}{done.stderr}"


@pytest.mark.usefixtures("client")
def test_no_input_breaks_the_parsers_or_parts_them_from_the_fold(
    server: EmbeddedServer, tmp_path: Path
) -> None:
    """Guided by coverage, no input makes the API raise, nor judge otherwise than the fold."""
    said = fuzz(server, tmp_path, "-runs=3000", "-seed=1")
    assert said.startswith("0\n"), said[-3000:]
    assert "Done 3000" in said, said[-3000:]


@pytest.mark.slow
@pytest.mark.usefixtures("client")
def test_a_minute_of_it_finds_nothing(server: EmbeddedServer, tmp_path: Path) -> None:
    """The same for a minute."""
    said = fuzz(server, tmp_path, "-max_total_time=60")
    assert said.startswith("0\n"), said[-3000:]


@pytest.mark.usefixtures("client")
def test_the_fuzzer_finds_a_judgement_that_differs(server: EmbeddedServer, tmp_path: Path) -> None:
    """With one rule of the API left out, an input that shows it is found, from other seeds."""
    lax = "import rillet.validate\nrillet.validate._check_seq = lambda text: None"
    said = fuzz(server, tmp_path, "-runs=20000", "-seed=1", code=lax)
    assert not said.startswith("0\n")
    assert "the fold" in said
