"""The name of every Redis key Rillet uses; no other module spells one out."""

from dataclasses import dataclass
from zlib import crc32

from rillet.settings import Settings

GROUP = "stats"
"""The consumer group on `readings` that stands for the fold."""

WEBHOOK_GROUP = "webhook"
"""The consumer group on `alerts` that stands for what the webhook has been told."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The key names of one partition.

    `prefix` is empty on a single Redis, `{p}:` with partitions (the braces make one partition's
    keys share a Cluster slot), with the namespace and a colon in front where one is set.
    """

    prefix: str = ""

    @property
    def readings(self) -> str:
        """Stream: incoming readings, trimmed once folded."""
        return f"{self.prefix}readings"

    @property
    def stats_prefix(self) -> str:
        """What stands before a sensor's name in the key of its statistics."""
        return f"{self.prefix}stats:"

    def stats(self, sensor: str) -> str:
        """Hash: the running statistics of one sensor, as text."""
        return f"{self.stats_prefix}{sensor}"

    @property
    def results(self) -> str:
        """Stream: one entry per sensor per fold, the full current statistics."""
        return f"{self.prefix}results"

    @property
    def rejects(self) -> str:
        """Stream: every reading that could not be folded, with its id and the reason."""
        return f"{self.prefix}rejects"

    @property
    def alerts(self) -> str:
        """Stream: alert state changes, firing and resolved."""
        return f"{self.prefix}alerts"

    @property
    def firing(self) -> str:
        """Hash: the alerts that fire now, `<rule>:<sensor>` to the JSON of the change."""
        return f"{self.prefix}firing"

    @property
    def rules(self) -> str:
        """String: the alert rules as JSON, the same in every partition."""
        return f"{self.prefix}rules"

    @property
    def late(self) -> str:
        """Stream: readings counted, but too late for their window."""
        return f"{self.prefix}late"

    @property
    def state(self) -> str:
        """Hash: field = sensor, value = packed accumulators; internal, binary."""
        return f"{self.prefix}state"

    @property
    def due(self) -> str:
        """Zset: sensors, by the wall clock's ms at which something is to be done for them."""
        return f"{self.prefix}due"

    @property
    def windows_prefix(self) -> str:
        """What stands before a size in the key of its closed windows."""
        return f"{self.prefix}windows:"

    def windows(self, size: str) -> str:
        """Stream: closed windows of one size, such as `1m`."""
        return f"{self.windows_prefix}{size}"

    @property
    def panes_prefix(self) -> str:
        """What stands before size and sensor in the key of the panes kept of a sensor."""
        return f"{self.prefix}panes:"

    def panes(self, size: str, sensor: str) -> str:
        """List: the newest closed windows of one sensor, oldest first; internal, binary."""
        return f"{self.panes_prefix}{size}:{sensor}"


CURSOR_FIELD = "\0cursor"
"""The field of `state` with the id of the entry folded last, a blank, and how many were read."""

OUTBOX_FIELD = "\0outbox"
"""The field of `state` with what a fold has still to write to other keys; absent at rest."""

REPLAY_FIELD = "\0replay"
"""The field of `state` with the reject on its way to another partition, and its number."""


def replayed_field(source: "Keys") -> str:
    """Return the field of `state` with the number of the last reject that came from there."""
    return f"\0replayed:{source.prefix}"


def slow_field(sensor: str) -> str:
    """Return the field of the hash `state` with what changes once a window, not once a fold."""
    return f"\0slow:{sensor}"


def partition_of(sensor: str, partitions: int) -> int:
    """Return the partition of a sensor: crc32 of its name, modulo the number of partitions.

    CRC-32 (zlib's, as in every language's standard library) is stable across machines and
    versions, so any producer can compute it.
    """
    return crc32(sensor.encode()) % partitions


def partition_keys(settings: Settings) -> list[Keys]:
    """Return the key names of every partition, in order of its number."""
    space = f"{settings.namespace}:" if settings.namespace else ""
    if settings.partitions == 1:
        return [Keys(space)]
    return [Keys(f"{space}{{{p}}}:") for p in range(settings.partitions)]
