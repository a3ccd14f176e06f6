"""processor/scripts.py, and that the header of each Lua script is true."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from processor.scripts import DEFAULT_REDUCERS, header_of, included, load_script
from rillet.assets import asset_folder

LUA = asset_folder("lua")
ROOT = Path(__file__).resolve().parents[3]
SCRIPTS = sorted(path.stem for path in LUA.glob("*.lua"))


def code_of(path: Path) -> str:
    """Return a Lua file without its comments and its texts."""
    code = re.sub(r"--.*", "", path.read_text())
    return re.sub(r"'[^'\n]*'", "''", code)


def includes_of(script: str) -> dict[str, Path]:
    """Return the files that a script includes, in order, by the name of their local."""
    header = header_of((LUA / f"{script}.lua").read_text())
    return {path.stem: path for path in included(LUA, header, DEFAULT_REDUCERS)}


def items(returned: str) -> int:
    """Return how many items the Lua table constructor has, by the commas at its own level."""
    depth, count = 0, 1
    for sign in returned.strip().rstrip(","):
        depth += (sign in "{(") - (sign in "})")
        count += sign == "," and depth == 0
    return count


def mentions(code: str, name: str) -> bool:
    return re.search(rf"(?<![\w.]){name}\b", code) is not None


def test_there_are_scripts() -> None:
    """The checks below look at something."""
    assert "fold" in SCRIPTS


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_header_is_whole(script: str) -> None:
    """The first line says what the script does; KEYS, ARGV, RETURNS and INCLUDE follow."""
    lines = (LUA / f"{script}.lua").read_text().splitlines()
    assert re.match(r"--- [A-Z].*\.$", lines[0])
    assert list(header_of("\n".join(lines))) == ["KEYS", "ARGV", "RETURNS", "INCLUDE"]
    assert all(line.startswith("--- ") for line in lines[:5])


@pytest.mark.parametrize("script", SCRIPTS)
def test_declared_names_are_used_and_nothing_goes_by_position(script: str) -> None:
    """Each name of KEYS and ARGV occurs in the body, and KEYS[n] or ARGV[n] nowhere."""
    path = LUA / f"{script}.lua"
    header, code = header_of(path.read_text()), code_of(path)
    names = [*header["KEYS"], *header["ARGV"]]
    assert len(set(names)) == len(names)
    assert [name for name in names if not mentions(code, name)] == []
    for file in (path, *includes_of(script).values()):
        assert not re.search(r"\b(KEYS|ARGV)\b", code_of(file)), file


@pytest.mark.parametrize("script", SCRIPTS)
def test_each_return_has_the_declared_items(script: str) -> None:
    """Every reply of the script has as many items as RETURNS has names."""
    path = LUA / f"{script}.lua"
    wanted = len(header_of(path.read_text())["RETURNS"])
    replies = re.findall(r"\breturn \{(.*?)\}\s*(?:end\b|\Z|$)", code_of(path), re.DOTALL)
    assert replies
    assert [items(reply) for reply in replies] == [wanted] * len(replies)


@pytest.mark.parametrize("script", SCRIPTS)
def test_each_include_exists_is_used_and_comes_in_time(script: str) -> None:
    """An include is a file, used by the script or a later include, never by an earlier one."""
    files = includes_of(script)
    bodies = {name: code_of(path) for name, path in files.items()}
    order = [*bodies, script]
    bodies[script] = code_of(LUA / f"{script}.lua")
    for at, name in enumerate(files):
        users = [one for one in order if one != name and mentions(bodies[one], rf"{name}\.\w+")]
        by_list = name in DEFAULT_REDUCERS and any(mentions(b, "reducers") for b in bodies.values())
        assert users or by_list, f"{name} is not used"
        assert all(order.index(one) > at for one in users), f"{name} comes too late for {users}"


def test_every_include_belongs_to_a_script() -> None:
    """No file of lua/include/ lies there unused."""
    used = {path for script in SCRIPTS for path in includes_of(script).values()}
    assert set((LUA / "include").glob("*.lua")) <= used


@pytest.mark.parametrize("path", sorted(LUA.rglob("*.lua")), ids=lambda p: p.stem)
def test_each_file_says_what_it_is_for(path: Path) -> None:
    """The first line of each included file has its name and its purpose."""
    first = path.read_text().splitlines()[0]
    assert first.startswith("--- " if path.parent == LUA else f"-- {path.stem}: ")


def test_arguments_go_by_name() -> None:
    """However the caller orders them, keys and arguments are sent in the header's order."""
    script = load_script("fold")
    names = [*script.keys, *script.argv]
    assert script.arguments({name: name for name in reversed(names)}) == [len(script.keys), *names]


def test_a_missing_argument_is_named() -> None:
    """A caller that forgot one is told which."""
    script = load_script("fold")
    named = {name: "" for name in (*script.keys, *script.argv) if name != "state"}
    with pytest.raises(KeyError, match="state"):
        script.arguments(named)


def test_luacheck_finds_nothing() -> None:
    """Composed as Redis gets it, no script uses a name it has not, or has one it does not use."""
    luacheck = shutil.which("luacheck")
    if not luacheck:
        assert not os.environ.get("CI"), "luacheck is missing (apt install lua-check)"
        pytest.skip("no luacheck on PATH (apt install lua-check)")
    for name in SCRIPTS:
        told = subprocess.run(
            [luacheck, "--config", str(ROOT / ".luacheckrc"), "--no-color", "-"],
            input=load_script(name).text,
            capture_output=True,
            text=True,
            check=False,
        )
        assert told.returncode == 0, told.stdout
