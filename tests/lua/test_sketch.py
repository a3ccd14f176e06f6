"""lua/include/blocks.lua and buckets.lua by themselves, read by processor/sketch.py."""

import random
import struct
from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from processor.sketch import ZERO, Sketch

ROOT = Path(__file__).resolve().parents[2]
TAIL = 128
MANY = 1024

BODY = """
local M, out = {}, {}

-- Returns a sketch without a tail of (code, count) pairs, counted in blocks one after the other.
function M.counted(texts)
  local packed, below, above = '', 0, 0
  for i = 1, #texts do
    local lists, order = {}, {}
    for at = 1, #texts[i], 10 do
      local code, count = struct.unpack('<Hd', texts[i], at)
      local index, j = math.floor(code / 8), code % 8 + 1
      if not lists[index] then
        lists[index], order[#order + 1] = { 0, 0, 0, 0, 0, 0, 0, 0 }, index
      end
      lists[index][j] = lists[index][j] + count
    end
    local more, higher
    packed, more, higher = blocks.added(packed, 1, #packed, lists, order)
    below, above = below + more, above + higher
  end
  return struct.pack('<HHH', #packed, below, above) .. packed
end

-- Returns the sketch after each of the texts of codes was appended.
function M.appended(texts, most)
  local packed = ''
  for i = 1, #texts do packed = buckets.append(packed, texts[i], most) end
  return packed
end

function M.merged(texts, most)
  return buckets.merge(texts[1], texts[2], most)
end

function M.quantiles(texts, n)
  local found = buckets.quantiles(texts[1], { 0, 0.1, 0.5, 0.99, 1 }, n, -math.huge, math.huge)
  return struct.pack('<' .. string.rep('d', #found), unpack(found))
end

for i = 3, #ARGV do out[i - 2] = ARGV[i] end
return M[ARGV[1]](out, tonumber(ARGV[2]))
"""
"""What is asked (a function), a number, and texts; returns a text."""


def script() -> str:
    parts = [(ROOT / "lua/include" / f"{name}.lua").read_text() for name in ("blocks", "buckets")]
    blocks, buckets = (f"(function()\n{part}end)()" for part in parts)
    return f"local blocks = {blocks}\nlocal buckets = {buckets}\n{BODY}"


SCRIPT = script()


def ask(client: redis.Redis, what: str, number: float, *texts: bytes) -> bytes:
    reply: Any = client.eval(SCRIPT, 0, what, number, *texts)
    assert isinstance(reply, bytes)
    return reply


def packed(codes: list[int]) -> bytes:
    return struct.pack(f"<{len(codes)}H", *codes)


def pairs(counts: Mapping[int, float]) -> bytes:
    return b"".join(struct.pack("<Hd", code, counts[code]) for code in sorted(counts))


def head(sketch: bytes) -> tuple[int, int]:
    """Return how many buckets it says there are below and above zero."""
    _, below, above = struct.unpack_from("<HHH", sketch)
    return below, above


def sides(counts: Mapping[int, float]) -> tuple[int, int]:
    return sum(code < ZERO for code in counts), sum(code > ZERO for code in counts)


def collapsed(counts: Mapping[int, float], most: int) -> Counter[int]:
    """Return the counts with all but so many buckets on each side of zero made one, the last."""
    left: Counter[int] = Counter()
    for side in (lambda code: code - ZERO, lambda code: ZERO - code):
        far = sorted((code for code in counts if side(code) > 0), key=side, reverse=True)
        for i, code in enumerate(far):
            left[far[min(i, most - 1)]] += counts[code]
    return left + Counter({ZERO: counts[ZERO]} if ZERO in counts else {})


NEAR = st.integers(-20, 20).map(lambda step: ZERO + step)
DENSE = st.one_of(st.integers(54000, 54150), st.integers(11400, 11550))
CODES = st.one_of(NEAR, DENSE, st.integers(1, 65535))
POWERS = st.builds(
    lambda bits, more: max(1, 2**bits + more), st.integers(0, 50), st.integers(-1, 1)
)
COUNTS = st.dictionaries(CODES, st.one_of(st.integers(1, 70), POWERS), min_size=1, max_size=300)


def some_codes(n: int, seed: int) -> list[int]:
    """Return so many codes, near zero and in places on both sides: lists drawn are mostly short."""
    rnd = random.Random(seed)
    places = rnd.choices([(ZERO - 20, ZERO + 20), (54000, 54150), (11400, 11550), (1, 65535)], k=3)
    return [rnd.randint(*rnd.choice(places)) for _ in range(n)]


MANY_CODES = st.builds(some_codes, st.integers(0, 700), st.integers(0, 2**32))
EXAMPLES = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@EXAMPLES
@given(st.lists(COUNTS, min_size=1, max_size=4))
@example([{ZERO: 2**53, 1: 2**53, 65535: 2**53}])
@example([{54000: 200}, {54000 + j: 1 for j in range(1, 8)}])
def test_any_counts_are_read_as_they_were_written(
    client: redis.Redis, parts: list[dict[int, int]]
) -> None:
    """Of any buckets and counts up to 2^53, added in parts, not one is lost or changed."""
    whole = sum(map(Counter, parts), Counter[int]())
    sketch = ask(client, "counted", 0, *map(pairs, parts))
    assert Sketch.unpack(sketch).counts == whole
    assert head(sketch) == sides(whole)
    assert sketch == ask(client, "counted", 0, pairs(whole))


@EXAMPLES
@given(MANY_CODES, st.lists(st.integers(0, 700)), st.sampled_from([16, 40, MANY]))
def test_the_same_readings_leave_the_same_text(
    client: redis.Redis, codes: list[int], cuts: list[int], most: int
) -> None:
    """However readings come in parts: all are counted, and the sketch is the same to the byte."""
    bounds = [0, *sorted(cut for cut in cuts if cut < len(codes)), len(codes)]
    parts = [packed(codes[first:last]) for first, last in pairwise(bounds)]
    sketch = ask(client, "appended", most, *parts)
    assert sketch == ask(client, "appended", most, packed(codes))
    assert Sketch.unpack(sketch).count == len(codes)
    full = len(codes) - len(codes) % TAIL
    assert sketch.endswith(packed(codes[full:]))
    if full:
        counted = collapsed(Counter(codes[:full]), most)
        assert head(sketch) == sides(counted)
        assert Sketch.unpack(sketch) == Sketch(counted) + Sketch(Counter(codes[full:]))


@EXAMPLES
@given(MANY_CODES, MANY_CODES, st.sampled_from([16, 40, MANY]))
def test_merging_loses_nothing(
    client: redis.Redis, ours: list[int], theirs: list[int], most: int
) -> None:
    """Two sketches make that of all their readings; one with less than a full tail is appended."""
    both = [ask(client, "appended", most, packed(codes)) for codes in (ours, theirs)]
    merged = ask(client, "merged", most, *both)
    if len(theirs) < TAIL:
        assert merged == ask(client, "appended", most, packed(ours + theirs))
    else:
        assert Sketch.unpack(merged).counts == collapsed(Counter(ours + theirs), most)
        assert head(merged) == sides(Sketch.unpack(merged).counts)


@EXAMPLES
@given(MANY_CODES)
def test_the_server_and_the_reader_answer_alike(client: redis.Redis, codes: list[int]) -> None:
    """Quantiles in the fold are those that Python finds in the same sketch, to the bit."""
    sketch = ask(client, "appended", MANY, packed(codes))
    found = ask(client, "quantiles", len(codes), sketch)
    want = [Sketch.unpack(sketch).quantile(q) for q in (0, 0.1, 0.5, 0.99, 1)] if codes else []
    assert list(struct.unpack(f"<{len(want)}d", found)) == want


@pytest.mark.parametrize("bits", range(1, 54))
def test_counts_take_as_many_bits_as_they_need(client: redis.Redis, bits: int) -> None:
    """Eight adjacent ones a byte and those of the largest: 1-6, 8, 10, 12, 16, 20, 24, 32 or 64."""
    counts = {54000 + j: max(1, 2**bits - 1 >> j % 8) for j in range(80)}
    sketch = ask(client, "counted", 0, pairs(counts))
    assert Sketch.unpack(sketch).counts == counts
    for taken in (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24):
        if bits <= taken:
            assert len(sketch) == 6 + 2 + 10 * (1 + taken)
            return
    assert len(sketch) == 6 + 2 + 10 * (2 + 8 * (4 if bits <= 32 else 8))


@pytest.mark.parametrize(("apart", "more"), [(16, 0), (500, 2)])
@pytest.mark.parametrize(("count", "taken"), [(255, 1), (65535, 2), (2**32 - 1, 4), (2**53, 8)])
def test_a_count_alone_takes_its_own_bytes(
    client: redis.Redis, apart: int, more: int, count: int, taken: int
) -> None:
    """And a byte for the block, one for its place, and 2 where it comes far after another."""
    counts = {1000 + apart * j: count for j in range(80)}
    sketch = ask(client, "counted", 0, pairs(counts))
    assert Sketch.unpack(sketch).counts == counts
    assert len(sketch) == 6 + 2 - more + 80 * (2 + taken + more)
