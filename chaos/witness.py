"""Reads everything that is stored on `readings`, beside the fold, and keeps the exact account.

It has a consumer group of its own, which it moves as it reads, so that nothing is trimmed before
it was seen. It goes to the server itself, past the cables.
"""

import contextlib
from threading import Event, Thread
from typing import Any

import redis

from chaos.limit import Limit
from rillet.connect import FAULTS, connect
from rillet.keys import Keys, partition_keys
from rillet.settings import Settings
from verify.reference import Ledger, values_of

GROUP = "witness"
COUNT = 1000
PAUSE_S = 0.02


class Witness(Thread):
    """`ledgers` are the accounts of what is stored, `limits` those of alerts, by partition.

    `stored[p]` marks the readings of producer p.
    """

    def __init__(self, settings: Settings, totals: list[int]) -> None:
        super().__init__(name="witness", daemon=True)
        self.stop = Event()
        self.ledgers = {keys: Ledger.of(settings) for keys in partition_keys(settings)}
        self.limits = {keys: Limit() for keys in self.ledgers}
        self.stored = [bytearray(total) for total in totals]
        self.fault: BaseException | None = None
        self._client: Any = connect(settings)
        self._last = dict.fromkeys(self.ledgers, b"0-0")
        for keys in self.ledgers:
            self._client.xgroup_create(keys.readings, GROUP, id="0-0", mkstream=True)

    def run(self) -> None:
        """Read until told to stop, and then once more, to the end."""
        try:
            while not self.stop.is_set():
                with contextlib.suppress(*FAULTS):
                    if not self.read_all():
                        self.stop.wait(PAUSE_S)
            self.read_all()
        except BaseException as error:  # noqa: BLE001 told by whoever joins
            self.fault = error
        finally:
            self._client.close()

    def read_all(self) -> int:
        """Take what is new in each partition; return how many entries there were."""
        return sum(self._read(keys) for keys in self.ledgers)

    def _read(self, keys: Keys) -> int:
        read = 0
        while found := self._client.xrange(keys.readings, b"(" + self._last[keys], "+", COUNT):
            for entry_id, fields in found:
                self._take(keys, entry_id, fields)
            read += len(found)
            self._move(keys)
        return read

    def _take(self, keys: Keys, entry_id: bytes, fields: dict[bytes, bytes]) -> None:
        self._last[keys] = entry_id
        if self.ledgers[keys].take(entry_id.decode(), fields):
            sensor, values = fields[b"sensor"].decode(), values_of(fields)
            self.limits[keys].take(sensor, values, entry_id.decode())
        if b"n" in fields:
            producer, n = fields[b"n"].split(b":")
            self.stored[int(producer)][int(n)] = 1

    def _move(self, keys: Keys) -> None:
        """Set the group to what has been read; an entry before it may be trimmed."""
        last, read = self._last[keys], self.ledgers[keys].entries
        try:
            self._client.execute_command(
                "XGROUP", "SETID", keys.readings, GROUP, last, "ENTRIESREAD", read
            )
        except redis.ResponseError as error:
            # A server that lost its data has lost the group; that is told at the end.
            if "NOGROUP" not in str(error) and "requires the key" not in str(error):
                raise
