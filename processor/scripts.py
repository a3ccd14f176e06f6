"""Composes the Lua scripts from their files and calls them by the names in their headers.

Reads `lua/`; touches Redis only to load and run a script.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha1
from pathlib import Path
from typing import Any

import redis

from rillet.assets import asset_folder

DEFAULT_REDUCERS = ("moments", "sketch", "weights", "panes", "alerts", "clock")
_HEADER = re.compile(r"^--- (KEYS|ARGV|RETURNS|INCLUDE) ?(.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Script:
    """One composed script: its text, its digest, and the names in its header."""

    name: str
    text: str
    keys: tuple[str, ...]
    argv: tuple[str, ...]
    returns: tuple[str, ...]
    sha: str = field(init=False)

    def __post_init__(self) -> None:
        digest = sha1(self.text.encode(), usedforsecurity=False).hexdigest()
        object.__setattr__(self, "sha", digest)

    def arguments(self, named: Mapping[str, Any]) -> list[Any]:
        """Return numkeys, keys and arguments in the header's order; KeyError if one is missing."""
        return [len(self.keys), *(named[n] for n in self.keys), *(named[n] for n in self.argv)]

    def result(self, reply: list[Any]) -> dict[str, Any]:
        """Return the reply by the header's names."""
        return dict(zip(self.returns, reply, strict=True))

    def run(self, client: Any, named: Mapping[str, Any]) -> dict[str, Any]:
        """Run the script; a server that does not know it (yet, or after a flush) is taught it."""
        arguments = self.arguments(named)
        try:
            reply = client.execute_command("EVALSHA", self.sha, *arguments)
        except redis.exceptions.NoScriptError:
            reply = client.execute_command("EVAL", self.text, *arguments)
        return self.result(reply)


def header_of(source: str) -> dict[str, tuple[str, ...]]:
    """Return the machine-readable lines of a script's header: KEYS, ARGV, RETURNS, INCLUDE.

    Names that one line has no room for go on in a second line of the same kind.
    """
    header: dict[str, tuple[str, ...]] = {}
    for kind, names in _HEADER.findall(source):
        header[kind] = header.get(kind, ()) + tuple(names.split())
    return header


@cache
def load_script(name: str, reducers: tuple[str, ...] = DEFAULT_REDUCERS) -> Script:
    """Return `lua/<name>.lua` with its includes in front and its KEYS and ARGV as locals.

    Each include is a file in `lua/include/` that returns a table, and becomes a local of its name.
    `@reducers` stands for the files of `lua/reducers/` named in `reducers`, in that order, each
    after the includes that it names itself.
    """
    folder = asset_folder("lua")
    source = (folder / f"{name}.lua").read_text()
    header = header_of(source)
    parts = []
    for path in included(folder, header, reducers):
        parts.append(_module(path, path.stem))
        if reducers and path == folder / "reducers" / f"{reducers[-1]}.lua":
            parts.append(f"local reducers = {{ {', '.join(reducers)} }}")
    keys, argv = header.get("KEYS", ()), header.get("ARGV", ())
    if keys:
        parts.append(f"local {', '.join(keys)} = unpack(KEYS)")
    if argv:
        parts.append(f"local {', '.join(argv)} = unpack(ARGV)")
    return Script(name, "\n".join([*parts, source]), keys, argv, header.get("RETURNS", ()))


def included(
    folder: Path, header: dict[str, tuple[str, ...]], reducers: Iterable[str]
) -> list[Path]:
    """Return the files that go in front of a script, in order, each once."""
    files: dict[Path, None] = {}
    for include in header.get("INCLUDE", ()):
        if include != "@reducers":
            files[folder / "include" / f"{include}.lua"] = None
            continue
        for one in reducers:
            path = folder / "reducers" / f"{one}.lua"
            own = header_of(path.read_text()).get("INCLUDE", ())
            files |= dict.fromkeys(folder / "include" / f"{name}.lua" for name in own)
            files[path] = None
    return list(files)


def _module(path: Any, name: str) -> str:
    """Return the file wrapped as one local; comment lines stay out of what the server keeps."""
    code = re.sub(r"^\s*--.*\n", "", path.read_text(), flags=re.MULTILINE)
    return f"local {name} = (function()\n{code}end)()"
