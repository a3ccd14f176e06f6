"""Tells schemathesis how TOML is sent: as the text it is."""

from typing import Any

import schemathesis


@schemathesis.serializer("application/toml")
def toml(_context: Any, value: Any) -> bytes:
    return str(value).encode("utf-8", "replace")
