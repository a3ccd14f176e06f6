"""verify/weights.py and verify/windows.py: against a plain model over all readings."""

import math
import random

from tests.lua.windows_model import Reading, weighted
from verify.sums import Near
from verify.weights import Weights
from verify.windows import Window

HALF_LIFE_MS = 5000.0


def test_weighted_figures_are_their_definition() -> None:
    """Whatever the order of events and the offset: mean and deviation are those of the model."""
    rnd = random.Random(3)
    for offset in (0.0, 1e9, -1e-3):
        account, readings = Weights(HALF_LIFE_MS), []
        for _ in range(200):
            ts, value = rnd.randrange(30_000), offset + rnd.gauss(0, 1e-3)
            account.take(ts, [value])
            readings.append(Reading(ts, ts, value, ""))
        mean, variance = weighted(readings, HALF_LIFE_MS)
        shown = account.shown()
        for name, want in (("ewm_mean", float(mean)), ("ewm_stddev", math.sqrt(variance))):
            found = shown[name]
            assert isinstance(found, Near)
            assert abs(found.value - want) <= found.within
            assert found.within < 2e-12 * max(abs(offset), 1e-3)


def test_a_window_knows_its_ends_and_quantiles() -> None:
    """First and last go by event time; quantiles are told while each value has its own bucket."""
    window = Window()
    for ts, values in ((5, [3.0]), (2, [1.0, 9.0]), (7, [4.0]), (2, [8.0]), (7, [6.0, 5.0])):
        window.take(ts, values)
    window.close(most=7)
    shown = window.shown()
    assert (shown["first"], shown["last"]) == (1.0, 5.0)
    median = shown["p50"]
    assert isinstance(median, Near)
    assert median.value == 5.0
    window.take(8, [0.0] * 8)
    window.quantiles.clear()
    window.close(most=7)
    assert "p50" not in window.shown()
