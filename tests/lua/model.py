"""What fold.lua must compute, in plain Python and exact arithmetic over every stored value."""

from fractions import Fraction

from processor.merge import root


def exact_figures(values: list[float]) -> dict[str, float]:
    """Return the figures of a list of values, each rounded once from the exact rational."""
    exact = [Fraction(v) for v in values]
    n, total = len(exact), sum(exact)
    mean = total / n
    spread = sum((v - mean) ** 2 for v in exact)
    found = {
        "count": n,
        "mean": float(mean),
        "variance": float(spread / n),
        "stddev": root(spread / n),
        "min": min(values),
        "max": max(values),
        "sum": float(total),
        "last": values[-1],
    }
    if n > 1:
        found["stddev_sample"] = root(spread / (n - 1))
    return found
