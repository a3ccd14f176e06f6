"""What a sensor's record in `state` says of it, and so what its hash must say. Pure."""

import math
import struct
from dataclasses import dataclass
from typing import Self

from processor.merge import figures
from processor.record import Moments, Own, pieces_of
from rillet.errors import UserError
from verify.reference import FIELDS
from verify.sums import ABSENT, Shown


@dataclass(frozen=True, slots=True)
class Kept:
    """The pieces of a record; `late`, `ewm_mean` and `ewm_stddev` where they are kept."""

    moments: Moments
    own: Own
    more: Shown

    @classmethod
    def of(cls, sensor: str, record: bytes) -> Self:
        """Return what is in a sensor's record; UserError where it is none."""
        try:
            return cls.unpack(record)
        except (KeyError, IndexError, ValueError, struct.error):
            raise UserError(
                f"The record of {sensor!r} in `state` is damaged: no fold has written it."
                " HDEL the field, and the sensor begins anew."
            ) from None

    @classmethod
    def unpack(cls, record: bytes) -> Self:
        """Return what is in a record."""
        pieces = pieces_of(record)
        more: Shown = {}
        if "w" in pieces:
            more["late"] = struct.unpack_from("<4d", pieces["w"])[3]
        if "e" in pieces:
            n, _, weight, mean, squares = struct.unpack("<5d", pieces["e"])
            deviation = math.sqrt(squares / weight) if n else ABSENT
            more |= {"ewm_mean": mean if n else ABSENT, "ewm_stddev": deviation}
        return cls(Moments.unpack(pieces["m"]), Own.unpack(pieces["s"]), more)

    @property
    def entries(self) -> int:
        """How many readings it knows of: folded, repeats, and rejected."""
        return self.moments.n + self.own.duplicates + self.own.rejected

    def shown(self) -> Shown:
        """Return what the hash must say."""
        found: Shown = {**dict.fromkeys(FIELDS, ABSENT), **figures(self.moments)}
        own = self.own
        for name in ("duplicates", "rejected", "gaps", "restarts", "kind", "unit"):
            found[name] = getattr(own, name)
        if self.moments.n:
            found |= {"last": self.moments.last, "last_id": own.last_id}
        if own.first_ts is not None and own.last_ts is not None:
            found |= {"first_ts": own.first_ts, "last_ts": own.last_ts}
        return found | self.more
