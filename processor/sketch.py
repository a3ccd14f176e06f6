"""Quantiles within 1%: reads, merges and asks the sketches that the fold keeps. Pure.

A DDSketch (Masson, Rim and Lee, VLDB 2019): values are counted in buckets whose bounds grow by
`GAMMA`, so that any value of a bucket is within `ACCURACY` of its middle, whatever the values are.
"""

import math
import struct
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

ACCURACY = 0.01
GAMMA = 1.01 / 0.99
ZERO = 32768
"""The code of the bucket of zero, and of magnitudes below `SMALLEST`."""
LOWEST = -21254
"""A value in [GAMMA^(i-1), GAMMA^i) has the code ZERO + i - LOWEST; negated, ZERO - i + LOWEST."""
SMALLEST = GAMMA**LOWEST
QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
_SCALE = 1 / math.log(GAMMA)
_STEP = 1 - LOWEST  # of a magnitude of 1; the fold computes the same, so that codes agree
_HEAD = struct.Struct("<HHH")
_BITS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24)
"""By kind: how many bits each of the eight counts of a block has."""
_SOME = tuple(map(struct.Struct, ("<B", "<H", "<I", "<d")))
"""The kinds after those: what each count is; those that are 0 are left out."""
_FAR = 15


def code_of(value: float) -> int:
    """Return the bucket of a value; codes order as values do."""
    step = math.floor(math.log(abs(value)) * _SCALE + _STEP) if value else 0
    if step < 1:
        return ZERO
    return ZERO + step if value > 0 else ZERO - step


def value_of(code: int) -> float:
    """Return the value in the middle of a bucket: within ACCURACY of all that it counts."""
    if code == ZERO:
        return 0.0
    middle = 2 * GAMMA ** (abs(code - ZERO) + LOWEST) / (GAMMA + 1)
    return middle if code > ZERO else -middle


@dataclass(frozen=True, slots=True)
class Sketch:
    """How many values fell into each bucket, by its code.

    Sketches add without loss, whatever the order: those of panes, partitions and fleets are merged
    with `+`. Where a sketch had more than RILLET_SKETCH_BUCKETS buckets on one side of zero, the
    smallest magnitudes lie in one bucket together, and only quantiles among them are inexact.
    """

    counts: Mapping[int, float] = field(default_factory=dict)

    @classmethod
    def of(cls, values: Iterable[float]) -> "Sketch":
        """Return the sketch of finite values."""
        return cls(dict(Counter(code_of(v) for v in values)))

    @classmethod
    def unpack(cls, packed: bytes) -> "Sketch":
        """Return the sketch of its packed form: blocks of counts, then a tail of single codes."""
        if not packed:
            return cls()
        size = int.from_bytes(packed[:2], "little")
        tail_at = _HEAD.size + size if size else 2
        counts = Counter(dict(_counts_of(packed[_HEAD.size : tail_at])))
        counts.update(cls.of_codes(packed[tail_at:]).counts)
        return cls(dict(counts))

    @classmethod
    def of_codes(cls, packed: bytes) -> "Sketch":
        """Return the sketch of codes as the fold packs them."""
        return cls(dict(Counter(code for (code,) in struct.iter_unpack("<H", packed))))

    @property
    def count(self) -> float:
        """How many values it has counted."""
        return sum(self.counts.values())

    def __add__(self, other: "Sketch") -> "Sketch":
        merged = Counter(self.counts)
        merged.update(other.counts)
        return Sketch(dict(merged))

    def quantile(self, q: float, low: float = -math.inf, high: float = math.inf) -> float | None:
        """Return the value of rank floor(q * (count - 1)), within 1%; None where there is none.

        `low` and `high` are the smallest and largest value, where they are known.
        """
        rank, seen = math.floor(q * (self.count - 1)), 0.0
        for code in sorted(self.counts):
            seen += self.counts[code]
            if seen > rank:
                return min(max(value_of(code), low), high)
        return None


def _counts_of(blocks: bytes) -> Iterator[tuple[int, float]]:
    """Yield code and count of the buckets in blocks, as lua/include/blocks.lua packs them."""
    at, code = 0, 0
    while at < len(blocks):
        skip, kind = divmod(blocks[at], 16)
        at += 1
        if skip == _FAR:
            skip = int.from_bytes(blocks[at : at + 2], "little")
            at += 2
        code += 8 * skip
        if kind < len(_BITS):
            bits = _BITS[kind]
            whole = int.from_bytes(blocks[at : at + bits], "little")
            at += bits
            for j in range(8):
                if count := whole >> bits * j & (1 << bits) - 1:
                    yield code + j, count
        else:
            mask, form = blocks[at], _SOME[kind - len(_BITS)]
            at += 1
            for j in range(8):
                if mask >> j & 1:
                    yield code + j, form.unpack_from(blocks, at)[0]
                    at += form.size
        code += 8


def quantiles(
    sketch: Sketch, low: float = -math.inf, high: float = math.inf
) -> dict[str, float | None]:
    """Return p50, p90 and p99."""
    return {name: sketch.quantile(q, low, high) for name, q in QUANTILES.items()}
