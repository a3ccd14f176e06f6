"""bench/slope.py: what grows is told from what varies."""

import random

import pytest

from bench.slope import fit

READINGS = [float(n) * 10_000 for n in range(1, 401)]
LEVEL = 50 * 2**20


def noise(seed: int = 1) -> list[float]:
    rnd = random.Random(seed)
    return [rnd.gauss(0, 2**18) for _ in READINGS]


def test_noise_is_flat() -> None:
    """Samples that vary about one size have a slope within a few of its own errors."""
    found = fit(READINGS, [LEVEL + e for e in noise()])
    assert found.flat
    assert abs(found.per_million) < 4 * found.error


def test_a_beginning_is_left_out() -> None:
    """What grows only while a process warms up is flat."""
    assert fit(READINGS, [LEVEL * min(1, n / 60) for n in range(400)]).flat


@pytest.mark.parametrize("leak", [1.0, 4.0])
def test_a_leak_is_found(leak: float) -> None:
    """Bytes that each reading leaves behind show as the slope, and are not flat."""
    sizes = [LEVEL + leak * n + e for n, e in zip(READINGS, noise(2), strict=True)]
    found = fit(READINGS, sizes)
    assert found.per_million == pytest.approx(leak * 1e6, rel=0.2)
    assert not found.flat
