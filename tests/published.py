"""Writes the table of published numeric tests into docs/semantics.md: `make docs`.

The NIST StRD univariate data sets that are defined by a formula; certified values are those of
https://www.itl.nist.gov/div898/strd/univ/homepage.html. tests/integration/test_published.py checks
the table. The other five sets are not in any package that the tests use.
"""

import re
import statistics
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import redis

from processor.fold import fold
from processor.merge import root
from rillet.embedded import EmbeddedServer
from rillet.keys import partition_keys
from rillet.settings import Settings
from verify.agreement import digits

PAGE = Path(__file__).resolve().parent.parent / "docs" / "semantics.md"
BEGIN, END = "<!-- published: made by `make docs` -->", "<!-- end of published -->"
CERTIFIED_DIGITS = 15.0
HEADINGS = ("rillet", "limit", "numpy", "statistics", "one pass")


@dataclass(frozen=True, slots=True)
class DataSet:
    """Values as the decimal texts that are published, certified mean and standard deviation."""

    name: str
    texts: list[str]
    mean: float
    deviation: float


DATA_SETS = (
    DataSet("NumAcc1", ["10000001", "10000003", "10000002"], 10000002.0, 1.0),
    DataSet("NumAcc2", ["1.2", *["1.1", "1.3"] * 500], 1.2, 0.1),
    DataSet("NumAcc3", ["1000000.2", *["1000000.1", "1000000.3"] * 500], 1000000.2, 0.1),
    DataSet("NumAcc4", ["10000000.2", *["10000000.1", "10000000.3"] * 500], 10000000.2, 0.1),
)


def by_rillet(client: Any, data: DataSet) -> tuple[float, float]:
    """Return mean and deviation (n - 1) after the values went through the stream, as text."""
    client.flushall()
    settings = Settings()
    keys = partition_keys(settings)[0]
    pipe = client.pipeline(transaction=False)
    for text in data.texts:
        pipe.xadd(keys.readings, {"sensor": data.name, "value": text})
    pipe.execute()
    while fold(client, settings, keys).backlog:
        pass
    mean, deviation = client.hmget(keys.stats(data.name), "mean", "stddev_sample")
    return float(mean), float(deviation)


def by_fractions(values: list[float]) -> tuple[float, float]:
    """Return what exact arithmetic gives for these doubles: no method can do better."""
    exact = [Fraction(v) for v in values]
    mean = sum(exact) / len(exact)
    return float(mean), root(sum((v - mean) ** 2 for v in exact) / (len(exact) - 1))


def by_one_pass(values: list[float]) -> tuple[float, float]:
    """Return them by sums of values and of squares, as many time-series stores keep them."""
    n, total, squares = len(values), 0.0, 0.0
    for value in values:
        total += value
        squares += value * value
    return total / n, max(0.0, (squares - total * total / n) / (n - 1)) ** 0.5


def results(client: Any, data: DataSet) -> dict[str, tuple[float, float]]:
    """Return mean and deviation by each method, under its heading."""
    values = [float(text) for text in data.texts]
    found = (
        by_rillet(client, data),
        by_fractions(values),
        (float(np.mean(values)), float(np.std(values, ddof=1))),
        (statistics.mean(values), statistics.stdev(values)),
        by_one_pass(values),
    )
    return dict(zip(HEADINGS, found, strict=True))


def table(client: Any) -> str:
    """Return two rows a data set: digits that agree with the certified mean and deviation."""
    rows = [
        f"| data set | figure | {' | '.join(HEADINGS)} |",
        "|---|---|" + "---:|" * len(HEADINGS),
    ]
    for data in DATA_SETS:
        found = results(client, data)
        for at, (figure, certified) in enumerate(
            (("mean", data.mean), ("deviation", data.deviation))
        ):
            cells = [
                f"{min(CERTIFIED_DIGITS, digits(found[heading][at], certified)):.1f}"
                for heading in HEADINGS
            ]
            rows.append(f"| {data.name} | {figure} | {' | '.join(cells)} |")
    return "\n".join(rows)


def with_table(page: str, fresh: str) -> str:
    """Return the page with the table between its two marks made anew."""
    block = f"{BEGIN}\n{fresh}\n{END}"
    return re.sub(f"{re.escape(BEGIN)}.*?{re.escape(END)}", lambda _: block, page, flags=re.DOTALL)


if __name__ == "__main__":
    with EmbeddedServer() as server, redis.Redis(port=server.port, protocol=2) as connection:
        PAGE.write_text(with_table(PAGE.read_text(), table(connection)))
