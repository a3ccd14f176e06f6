"""One process of Atheris: bytes to the parsers, and the same bytes to the fold of a real server.

`python -m tests.fuzzing.target PORT -runs=10000 [CORPUS]`: ends with a traceback and the input when
a parser raises, when API and fold judge an input differently, or when the fold does not end.
"""

import sys
from typing import Any

import atheris
import redis

with atheris.instrument_imports():
    import api.readings
    import rillet.validate

from processor.fold import fold
from rillet.keys import partition_keys
from rillet.settings import Settings
from rillet.validate import Fault, Limits

FIELDS = (b"sensor", b"value", b"values", b"packed", b"ts", b"seq", b"kind", b"unit")
FIRST_MS = 1_000_000_000_000
LINE, RAW = 0, 1


class Target:
    """Takes inputs one by one; by the first byte a line of NDJSON or raw fields follow."""

    def __init__(self, port: int) -> None:
        self.client: Any = redis.Redis(port=port, protocol=2)
        self.settings = Settings(max_batch=8, future_skew_ms=1000, readings_tail=0)
        self.keys = partition_keys(self.settings)[0]
        self.at_ms = FIRST_MS
        self.client.flushall()

    def __call__(self, data: bytes) -> None:
        """Try one input."""
        if len(data) < 2:
            return
        if data[0] % 2 == LINE:
            parsed = api.readings.parse_line(data[1:])
            if not isinstance(parsed, Fault) and parsed:
                self.judge(parsed)
        elif fields := fields_of(data[1:]):
            self.judge(fields)

    def judge(self, fields: dict[bytes, bytes]) -> None:
        """Hold the judgement of the API against that of the fold."""
        self.at_ms += 1
        limits = Limits(self.settings.max_batch, self.settings.future_skew_ms, self.at_ms)
        fault = rillet.validate.check(fields, limits)
        self.client.xadd(self.keys.readings, fields, id=f"{self.at_ms}-0")
        folded = fold(self.client, self.settings, self.keys)
        wanted = {fault.code: 1} if fault else {}
        if folded.codes != wanted or folded.backlog or folded.fault or folded.entries != 1:
            raise RuntimeError(f"{fields!r}: the API says {fault}, the fold {folded}")


def fields_of(data: bytes) -> dict[bytes, bytes]:
    """Return the fields that an input stands for: each a byte for its name, one for its length."""
    fields, at = {}, 0
    while at + 2 <= len(data):
        name, size = data[at], data[at + 1]
        known = FIELDS[name % 8] if name < 0xF0 else data[at : at + 1]
        fields[known] = data[at + 2 : at + 2 + size]
        at += 2 + size
    return fields


def main() -> None:
    """Fuzz with the arguments of libFuzzer that follow the port."""
    port, *rest = sys.argv[1:]
    atheris.Setup([sys.argv[0], *rest], Target(int(port)))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
