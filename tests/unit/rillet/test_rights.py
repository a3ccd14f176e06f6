"""rillet/rights.py: the doctor asks for every command that a processor calls."""

import re
from pathlib import Path

import pytest

from rillet.rights import READS, WEBHOOK, WRITES

ROOT = Path(__file__).resolve().parents[3]
WORKER = ("worker", "rules_store", "scripts", "webhook")
IN_LUA = re.compile(r"redis\.p?call\('([A-Z]+)'(?:, ?'([A-Z]+)')?")
IN_PYTHON = re.compile(r"client\.(\w+)\((?:\"([A-Z]+)\")?")
WITH_SUBCOMMAND = ("XGROUP", "XINFO")
NO_COMMAND = {"close", "execute_command"}


def in_lua(text: str) -> set[str]:
    """Return the commands that a Lua text calls, such as `XGROUP SETID`."""
    calls = IN_LUA.findall(text)
    return {f"{name} {sub}" if name in WITH_SUBCOMMAND else name for name, sub in calls}


def in_python(text: str) -> set[str]:
    """Return the commands that a Python text calls on its client."""
    calls = IN_PYTHON.findall(text)
    methods = {name.replace("xgroup_", "xgroup ").upper() for name, _ in calls}
    return methods - {name.upper() for name in NO_COMMAND} | {sent for _, sent in calls if sent}


def asked_for(needs: tuple[tuple[str, ...], ...]) -> set[str]:
    commands = [need[2:] for need in needs]
    return {" ".join(c[:2]) if c[0] in WITH_SUBCOMMAND else c[0] for c in commands}


def called(files: list[Path]) -> set[str]:
    texts = [file.read_text() for file in files]
    return set().union(*map(in_lua, texts), *(in_python(t) for t in texts if "import " in t))


def test_the_search_finds_calls() -> None:
    """What the tests below look for is found in both languages."""
    assert in_lua("redis.pcall('XGROUP', 'SETID', x) redis.call('XADD', y, '*')") == {
        "XGROUP SETID",
        "XADD",
    }
    found = in_python('client.xgroup_create(x)\nself._client.xread(y)\nclient.execute_command("X")')
    assert found == {"XGROUP CREATE", "XREAD", "X"}


@pytest.mark.parametrize("webhook", [False, True])
def test_every_command_of_a_processor_is_asked_for(webhook: bool) -> None:
    """Each command in the scripts and in the worker's own code is tried by the doctor."""
    worker = [ROOT / f"processor/{name}.py" for name in WORKER if webhook or name != "webhook"]
    files = [*(ROOT / "lua").rglob("*.lua"), *worker]
    commands = called(files)
    assert {"XADD", "XREAD", "EVALSHA", "HSET", "GET"} <= commands
    asked = asked_for(READS + WRITES + (WEBHOOK if webhook else ()))
    assert commands - asked == set()


def test_each_right_is_that_of_its_command() -> None:
    """What the doctor says to give is what it tried, for the same keys."""
    for right, pattern, *command in READS + WRITES + WEBHOOK:
        words = right.upper().split("|")
        assert command[: len(words)] == words
        assert not pattern or any(part.startswith(pattern.rstrip("*")) for part in command)
