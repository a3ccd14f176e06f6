"""bench/latency.py: no reading drops out of the measurement, least of all those that waited."""

from bench.latency import Sent, arrivals

SENT = {
    b"1-0": Sent(b"a", 0.0),
    b"2-0": Sent(b"b", 0.1),
    b"3-0": Sent(b"a", 0.2),
    b"10-0": Sent(b"a", 0.3),
    b"10-2": Sent(b"a", 0.4),
}


def test_a_reading_overtaken_within_a_fold_counts() -> None:
    """It has arrived with the first result of its sensor that covers it, with ids as numbers."""
    seen = {b"a": [(b"3-0", 1.0), (b"10-10", 2.0)], b"b": [(b"2-0", 1.5)]}
    assert arrivals(SENT, seen) == {
        b"1-0": 1.0,
        b"2-0": 1.5,
        b"3-0": 1.0,
        b"10-0": 2.0,
        b"10-2": 2.0,
    }


def test_one_without_a_result_has_not_arrived() -> None:
    """A reading that no result of its sensor covers is not made up."""
    assert arrivals(SENT, {b"a": [(b"10-1", 1.0)]}) == {b"1-0": 1.0, b"3-0": 1.0, b"10-0": 1.0}
