"""processor/sketch.py: its promise of 1%, and that it is a DDSketch as others make it."""

import math
import random

import pytest
from ddsketch import DDSketch
from hypothesis import given
from hypothesis import strategies as st

from processor.sketch import ACCURACY, SMALLEST, Sketch, code_of, value_of

rnd = random.Random(3)
DATA = {
    "gauss": [rnd.gauss(20, 5) for _ in range(3000)],
    "both signs": [rnd.gauss(0, 1) for _ in range(3000)],
    "wide": [math.exp(rnd.uniform(-200, 200)) for _ in range(2000)],
    "stuck": [21.5] * 100,
    "zeros": [0.0] * 50 + [1.0] * 50,
    "one": [-7.25],
}
QS = (0, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 1)


def exact(values: list[float], q: float) -> float:
    """Return the value of rank floor(q * (n - 1)), which is what both sketches look for."""
    return sorted(values)[math.floor(q * (len(values) - 1))]


def assert_near(got: float | None, want: float) -> None:
    assert got is not None
    assert abs(got - want) <= abs(want) * (ACCURACY + 1e-9)


@pytest.mark.parametrize("name", DATA)
@pytest.mark.parametrize("q", QS)
def test_quantiles_are_within_one_percent(name: str, q: float) -> None:
    """Of any data, every quantile is within 1% of the exact one."""
    values = DATA[name]
    assert_near(Sketch.of(values).quantile(q), exact(values, q))


@given(st.lists(st.floats(-1e100, 1e100), min_size=1), st.floats(0, 1))
def test_any_doubles_are_within_one_percent(values: list[float], q: float) -> None:
    """Whatever hypothesis thinks of; magnitudes below 1e-184 count as zero."""
    values = [0.0 if abs(v) < SMALLEST * 1.03 else v for v in values]
    assert_near(Sketch.of(values).quantile(q), exact(values, q))


@pytest.mark.parametrize("name", [n for n in DATA if n != "wide"])
@pytest.mark.parametrize("q", QS)
def test_a_library_of_the_same_kind_says_the_same(name: str, q: float) -> None:
    """DDSketch at the same accuracy is off by at most 1% as well, so the two by at most 2%."""
    other = DDSketch(ACCURACY)
    for value in DATA[name]:
        other.add(value)
    got, theirs = Sketch.of(DATA[name]).quantile(q), other.get_quantile_value(q)
    assert got is not None
    assert abs(got - theirs) <= abs(theirs) * 2.03 * ACCURACY


def test_merged_parts_are_the_sketch_of_the_whole() -> None:
    """Adding loses nothing: the buckets are those of all values together."""
    values = DATA["both signs"]
    parts = [Sketch.of(values[i::7]) for i in range(7)]
    assert sum(parts, Sketch()) == Sketch.of(values)


def test_extremes_bound_the_answer() -> None:
    """Where the smallest and largest value are known, no quantile lies beyond them."""
    sketch = Sketch.of([21.5])
    assert sketch.quantile(0.5, 21.5, 21.5) == 21.5


def test_nothing_has_no_quantile() -> None:
    """There is none of no values."""
    assert Sketch().quantile(0.5) is None


def test_codes_order_as_values_do() -> None:
    """The bucket's code grows with the value, through zero, and fits 16 bits."""
    values = [-1e100, -1.0, -1e-184, -1e-190, 0.0, 1e-190, 1e-184, 1.0, 1.0000001, 1e100]
    codes = [code_of(v) for v in values]
    assert codes == sorted(codes)
    assert min(codes) >= 1
    assert max(codes) <= 65535
    assert codes[3] == codes[4] == codes[5] == code_of(-0.0)
    assert value_of(code_of(0.0)) == 0
