"""Published numeric tests through the real stream, and the table of docs/semantics.md of them."""

import re

import pytest
import redis

from tests.published import BEGIN, DATA_SETS, END, HEADINGS, PAGE, DataSet, results, table


@pytest.mark.parametrize("data", DATA_SETS, ids=lambda data: data.name)
def test_the_published_sets_are_as_exact_as_doubles_can_be(
    client: redis.Redis, data: DataSet
) -> None:
    """Mean and deviation are those of exact arithmetic; one pass of squares is not."""
    found = results(client, data)
    assert found["rillet"] == found["limit"]
    if data.name in ("NumAcc3", "NumAcc4"):
        assert abs(found["one pass"][1] - data.deviation) > 1e-3


def test_the_table_of_the_page_is_that_of_this_run(client: redis.Redis) -> None:
    """docs/semantics.md has the digits that rillet reaches; those of others within a half."""
    block = re.search(f"{re.escape(BEGIN)}\n(.*)\n{re.escape(END)}", PAGE.read_text(), re.DOTALL)
    assert block
    shown, fresh = (
        [line.strip("| ").split(" | ") for line in text.splitlines() if "---" not in line]
        for text in (block[1], table(client))
    )
    assert [row[:2] for row in shown] == [row[:2] for row in fresh]
    own = 2 + HEADINGS.index("rillet")
    assert [row[own] for row in shown] == [row[own] for row in fresh]
    for ours, theirs in zip(shown[1:], fresh[1:], strict=True):
        for a, b in zip(ours[2:], theirs[2:], strict=True):
            assert float(a) == pytest.approx(float(b), abs=0.5)
