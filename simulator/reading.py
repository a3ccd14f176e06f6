"""One reading, as a producer holds it, and the fields it has on the `readings` stream. Pure."""

from typing import NamedTuple


class Reading(NamedTuple):
    """A number that one sensor measured.

    `ts` is the event time in integer milliseconds since the epoch; `seq` grows per sensor, so
    that a repeat is known as one. What is None is left out of the stream entry.
    """

    sensor: str
    value: float
    ts: int | None = None
    seq: int | None = None
    kind: str | None = None
    unit: str | None = None

    def fields(self) -> list[str]:
        """Return the flat field/value list of XADD; the value reads back as the same double."""
        flat = ["sensor", self.sensor, "value", repr(self.value)]
        if self.ts is not None:
            flat += ["ts", str(self.ts)]
        if self.seq is not None:
            flat += ["seq", str(self.seq)]
        if self.kind is not None:
            flat += ["kind", self.kind]
        if self.unit is not None:
            flat += ["unit", self.unit]
        return flat
