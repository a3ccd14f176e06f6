"""Reads alert rules written by people, as TOML or JSON; says what is wrong, and where. Pure.

tomllib and json read, the models of processor/rules.py check; here their complaints get the name
of the rule, the line, and words that say what to do.
"""

import json
import re
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from processor.rules import RULES, RULES_MAX, TYPES
from processor.toml_lines import Lines, Path, line_too_far
from rillet.errors import UserError

TEXT_MAX_BYTES = 65_536
"""The longest text that is read."""

FAULTS_MAX = 20
"""Faults told at once; finding their lines takes time."""

FindLine = Callable[[Path], int | None]

_SAID = {
    "missing": "this is missing",
    "model_attributes_type": "a rule is a table of keys",
    "union_tag_not_found": f"type is missing: one of {', '.join(TYPES)}",
}
_TOO_FAR: dict[type[Exception], str] = {
    ValueError: "a number here has too many digits",
    RecursionError: "this is nested too deeply",
}
_PATTERNS = {
    "name": "a name is 1 to 64 letters, digits, _ and -",
    "sensor": "a pattern is 1 to 128 printable ASCII characters",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong: its line (from 1) where that is known, its place (`too-hot.high`), and why.

    Half of a surrogate pair, which JSON can have and UTF-8 cannot, is shown as JSON writes it.
    """

    line: int | None
    where: str
    reason: str

    def __post_init__(self) -> None:
        for name in ("where", "reason"):
            text = getattr(self, name).encode(errors="backslashreplace").decode()
            object.__setattr__(self, name, text)

    def __str__(self) -> str:
        place = f"line {self.line}: " if self.line else ""
        return f"{place}{self.where}: {self.reason}" if self.where else f"{place}{self.reason}"


class RulesError(UserError):
    """The rules cannot be taken; `faults` says why, one by one."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(str(fault) for fault in faults))
        self.faults = list(faults)


def parse_toml(text: str) -> list[Any]:
    """Return the rules of a TOML text; raise RulesError with the line of each fault."""
    _check_length(text)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RulesError([_syntax_fault(text, str(error))]) from None
    except (ValueError, RecursionError) as error:
        raise RulesError([Fault(line_too_far(text), "", _TOO_FAR[type(error)])]) from None
    return _checked(document, "rule", Lines(text).of)


def parse_json(text: str) -> list[Any]:
    """Return the rules of a JSON text, such as GET /api/rules answers; `version` is not looked at.

    Raises RulesError; a line is known where the text is not JSON.
    """
    _check_length(text)
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise RulesError([Fault(error.lineno, "", f"this is not JSON: {error.msg}")]) from None
    except (ValueError, RecursionError) as error:
        raise RulesError([Fault(None, "", _TOO_FAR[type(error)])]) from None
    if isinstance(document, dict):
        document.pop("version", None)
    return _checked(document, "rules", lambda _: None)


def _check_length(text: str) -> None:
    if len(text.encode("utf-8", "replace")) > TEXT_MAX_BYTES:
        raise RulesError([Fault(None, "", f"the text is longer than {TEXT_MAX_BYTES} bytes")])


def _checked(document: Any, member: str, line: FindLine) -> list[Any]:
    """Return the rules of a document that has them as the list `member`."""
    if not isinstance(document, dict):
        raise RulesError([Fault(None, "", f"the rules are an object with the list {member!r}")])
    strangers = [key for key in document if key != member]
    if strangers:
        said = f"only {member!r} is known at the top"
        raise RulesError([Fault(line((key,)), key, said) for key in strangers[:FAULTS_MAX]])
    given = document.get(member, [])
    if not isinstance(given, list):
        hint = "write [[rule]], with two brackets" if member == "rule" else "it is not a list"
        raise RulesError([Fault(line((member,)), member, hint)])
    if len(given) > RULES_MAX:
        reason = f"there are {len(given)} rules; at most {RULES_MAX} are taken"
        raise RulesError([Fault(line((member, RULES_MAX)), member, reason)])
    faults: list[Fault] = []
    rules: list[Any] = []
    try:
        rules = RULES.validate_python(given)
    except ValidationError as error:
        faults = [_fault(given, member, line, one) for one in error.errors()[:FAULTS_MAX]]
    faults += _doubles(given, member, line)[:FAULTS_MAX]
    if faults:
        raise RulesError(faults)
    return rules


def _fault(given: list[Any], member: str, line: FindLine, error: Any) -> Fault:
    """Return one of pydantic's faults in our words: it names rule, key and reason."""
    number, *rest = error["loc"]
    rule = given[number]
    # Between rule and key pydantic names the type by which it chose the model.
    keys = [str(key) for key in (rest[1:] if rest and rest[0] in TYPES else rest)]
    name = rule.get("name") if isinstance(rule, dict) else None
    place = name if isinstance(name, str) and name else f"rule {number + 1}"
    where = ".".join([place, *keys])
    path: Path = (member, number, *keys)
    if error["type"].startswith("union_tag") and isinstance(rule, dict) and "type" in rule:
        path = (member, number, "type")
    return Fault(line(path), where, _reason(rule, keys, error))


def _reason(rule: Any, keys: list[str], error: Any) -> str:
    kind = error["type"]
    if kind in _SAID:
        return _SAID[kind]
    if kind == "union_tag_invalid":
        return f"type {rule['type']!r} is not one of {', '.join(TYPES)}"
    if kind == "extra_forbidden":
        return _stranger(rule["type"], keys[-1])
    if kind == "string_pattern_mismatch":
        return _PATTERNS[keys[-1]]
    return str(error["msg"]).removeprefix("Value error, ")


def _stranger(kind: str, key: str) -> str:
    names = list(TYPES[kind].model_fields)
    close = get_close_matches(key, names, 1)
    hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(names)}"
    return f"a {kind} rule has no such key; {hint}"


def _doubles(given: list[Any], member: str, line: FindLine) -> list[Fault]:
    seen: set[str] = set()
    faults = []
    for number, rule in enumerate(given):
        name = rule.get("name") if isinstance(rule, dict) else None
        if isinstance(name, str) and name in seen:
            path: Path = (member, number, "name")
            faults.append(Fault(line(path), name, "another rule has this name already"))
        seen |= {name} if isinstance(name, str) else set()
    return faults


def _syntax_fault(text: str, said: str) -> Fault:
    """Return tomllib's complaint with its line as a number."""
    found = re.search(r" \(at line (\d+), column \d+\)$", said)
    reason = said[: found.start()] if found else said.removesuffix(" (at end of document)")
    line = int(found[1]) if found else text.rstrip("\n").count("\n") + 1
    return Fault(line, "", f"this is not TOML: {reason[:1].lower()}{reason[1:]}")
