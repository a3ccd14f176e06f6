"""The same frames for the relay and for the floor: results of so many sensors, 300 bytes each."""

from api.encode import encode_sensor
from api.tail import Position, event


def fields(sensor: int, number: int) -> dict[bytes, bytes]:
    """Return one sensor's result, as the fold writes it."""
    return {
        b"sensor": b"sensor-%d" % sensor,
        b"count": b"%d" % number,
        b"mean": b"21.470588235294116",
        b"variance": b"0.0834567890123456",
        b"stddev": b"0.28888889045678901",
        b"stddev_sample": b"0.28890123456789012",
        b"min": b"19.9",
        b"max": b"23.1",
        b"sum": b"123456.78901234567",
        b"last": b"21.5",
        b"first_ts": b"1700000000000",
        b"last_ts": b"1700000000000",
        b"duplicates": b"0",
    }


def frame(number: int, sensors: int, now_ns: int) -> bytes:
    """Return the frame the relay sends when every sensor has changed."""
    objects = [encode_sensor(fields(sensor, number)) for sensor in range(sensors)]
    return event("stats", objects, Position([(now_ns // 1_000_000, 0)]))
