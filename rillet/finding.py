"""What the doctor's checks are given, and what they return."""

from dataclasses import dataclass
from typing import Any, Literal

from rillet.settings import Settings

Level = Literal["ok", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, how bad it is, and the command that mends it (empty where all is well).

    `node` is the server that it is about, where there are several.
    """

    level: Level
    check: str
    said: str
    mend: str = ""
    node: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Patient:
    """The client and what every check asks about: INFO of one node, and the settings."""

    client: Any
    settings: Settings
    info: dict[str, Any]


def one(answer: Any) -> Any:
    """Return the first node's answer, where a Cluster gives each node's by its name."""
    return (
        next(iter(answer.values()))
        if isinstance(answer, dict) and ":" in next(iter(answer))
        else answer
    )


def ok(check: str, said: str) -> Finding:
    """Return a finding that needs no mending."""
    return Finding("ok", check, said)
