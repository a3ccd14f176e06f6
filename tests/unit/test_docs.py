"""README.md, docs/ and the folders' own pages: what they point to is there."""

import ast
import re
from pathlib import Path

import pytest

from rillet.cli import COMMANDS
from rillet.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
SKIPPED = {"node_modules", "vendor", "images"}
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "*/README.md")
    for path in ROOT.glob(pattern)
    if not path.is_relative_to(ROOT / ".venv")
)
RELATIVE = [str(path.relative_to(ROOT)) for path in PAGES]
NAMED_FILE = re.compile(
    r"\b((?:rillet|simulator|processor|api|lua|web|k8s|tests|bench|verify|chaos|docs|examples|deploy)"
    r"/[\w./-]*\w\.(?:py|lua|md|js|yaml|conf|acl|sh))\b"
)
NAMED_TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def read(page: str) -> str:
    return (ROOT / page).read_text()


def slug(heading: str) -> str:
    """Return the anchor that Markdown pages on the web get for a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", RELATIVE)
def test_links_lead_somewhere(page: str) -> None:
    """Each relative link names a file that is there, and a heading in it."""
    for target in re.findall(r"\]\(([^)#\s]*(?:#[^)\s]*)?)\)", read(page)):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        file = (ROOT / page).parent / name if name else ROOT / page
        assert file.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", file.read_text(), re.MULTILINE)
            assert anchor in map(slug, headings), target


@pytest.mark.parametrize("page", RELATIVE)
def test_files_that_are_named_exist(page: str) -> None:
    """Who follows a page into the code finds what it speaks of."""
    assert [name for name in NAMED_FILE.findall(read(page)) if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("page", RELATIVE)
def test_settings_that_are_named_exist(page: str) -> None:
    """Each RILLET_ name in a page is a setting, a variable of compose, or said to be none."""
    known = {f"RILLET_{name.upper()}" for name in Settings.model_fields}
    known |= set(re.findall(r"\bRILLET_\w+", read("compose.yaml")))
    known |= set(re.findall(r"\b(RILLET_\w+) is no setting", read(page)))
    named = set(re.findall(r"\bRILLET_\w*[A-Z]\b", read(page)))
    assert named - known == set()


@pytest.mark.parametrize("page", [*RELATIVE, "rillet/settings.py", "rillet/cli.py"])
def test_commands_that_are_named_exist(page: str) -> None:
    """Each `rillet WORD` and `make WORD` in a page is a command or a target."""
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))
    text = read(page)
    assert set(re.findall(r"`(?:\S*/)?rillet ([a-z]+)", text)) - set(COMMANDS) == set()
    assert set(re.findall(r"(?:`|^\$ )make ([a-z-]+)", text, re.MULTILINE)) - targets == set()


def test_every_promise_names_a_test_that_is_there() -> None:
    """Each test that docs/semantics.md names is defined in that file."""
    named = NAMED_TEST.findall(read("docs/semantics.md"))
    assert named
    missing = [f"{path}::{name}" for path, name in named if name not in functions_in(ROOT / path)]
    assert missing == []


def test_no_promise_goes_without_a_test() -> None:
    """Each row of docs/semantics.md's tables, promised or not, ends in the name of a test."""
    rows = [line for line in read("docs/semantics.md").splitlines() if line.startswith("| ")]
    heads = ("| promise |", "| not promised |", "| data set |", "| NumAcc")
    promises = [row for row in rows if not row.startswith(heads)]
    assert promises
    assert [row for row in promises if not NAMED_TEST.search(row.split("|")[-2])] == []


def functions_in(path: Path) -> set[str]:
    if not path.exists():
        return set()
    tree = ast.parse(path.read_text())
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}
