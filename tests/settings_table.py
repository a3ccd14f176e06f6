"""Writes the table of docs/configuration.md from rillet/settings.py: `make docs`.

tests/unit/rillet/test_settings.py checks that it was.
"""

import re
from pathlib import Path
from types import NoneType
from typing import Literal, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from rillet.settings import Settings

PAGE = Path(__file__).resolve().parent.parent / "docs" / "configuration.md"
BEGIN, END = "<!-- settings: made by `make docs` -->", "<!-- end of settings -->"
_UNITS = {"ms": "ms", "s": "s", "hz": "a second", "bytes": "bytes"}
_TYPES = {"str": "text", "SecretStr": "text", "Path": "path", "float": "number", "int": "integer"}


def _type_of(field: FieldInfo) -> str:
    kind = field.annotation
    if get_origin(kind) is Literal:
        return " or ".join(f"`{one}`" for one in get_args(kind))
    names = [one.__name__ for one in get_args(kind) or (kind,) if one and one is not NoneType]
    return " or ".join(_TYPES.get(name, name) for name in names)


def _default_of(field: FieldInfo) -> str:
    value = field.default
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    if isinstance(text, float):
        text = f"{text:g}"
    return "none" if text in (None, "") else f"`{text}`"


def table() -> str:
    """Return one row a setting: its name in the environment, type, unit, default and meaning."""
    rows = ["| variable | type | unit | default | meaning |", "|---|---|---|---|---|"]
    for name, field in Settings.model_fields.items():
        unit = _UNITS.get(name.rpartition("_")[2], "")
        cells = (f"`RILLET_{name.upper()}`", _type_of(field), unit, _default_of(field))
        rows.append(f"| {' | '.join((*cells, field.description or ''))} |")
    return "\n".join(rows)


def with_table(page: str) -> str:
    """Return the page with the table between its two marks made anew."""
    fresh = f"{BEGIN}\n{table()}\n{END}"
    return re.sub(f"{re.escape(BEGIN)}.*?{re.escape(END)}", lambda _: fresh, page, flags=re.DOTALL)


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text()))
