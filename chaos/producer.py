"""A producer: sends its readings at a steady rate, each until it is acknowledged."""

import time
from itertools import islice
from random import Random
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from chaos.readings import Reading, Source
from rillet.connect import FAULTS
from rillet.keys import partition_keys, partition_of
from rillet.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

IN_HAND = 60
"""The most readings sent and not acknowledged: below 8 a sensor, far inside the window of seq."""

ANSWER_S = 0.25
"""How long it waits for an answer before it sends again; less than a slow cable takes."""

RETRY_S = 0.02
TICK_S = 0.01


class Producer(Thread):
    """Sends `total` readings, `rate` a second.

    What is not acknowledged is sent again, but for readings without seq: whether those arrived
    is left in doubt. While `scrambling` is set, some are sent twice, some overtake others, and
    some answers are not believed. `acknowledged` and `doubtful` are numbers of readings.
    """

    def __init__(self, settings: Settings, number: int, seed: int, rate: float, total: int) -> None:
        super().__init__(name=f"producer-{number}", daemon=True)
        self.settings, self.number, self.rate, self.total = settings, number, rate, total
        self.scrambling = Event()
        self.give_up = Event()
        self.acknowledged = bytearray(total)
        self.doubtful: set[int] = set()
        self.sent = self.refused = self.retried = 0
        self.fault: BaseException | None = None
        self._random = Random(f"{seed}:producer:{number}")  # noqa: S311 repeatable
        self._source: Iterator[Reading] = islice(Source(seed, number), total)
        self._in_hand: list[Reading] = []
        self._taken = 0
        self._client: Any = redis.Redis.from_url(
            settings.redis_url.get_secret_value(),
            protocol=2,
            socket_timeout=ANSWER_S,
            retry=Retry(NoBackoff(), 0),
        )
        self._unsure = False
        self._keys = partition_keys(settings)

    def run(self) -> None:
        """Send until all is acknowledged, or in doubt, or it is told to give up."""
        try:
            self._run(time.monotonic())
        except BaseException as error:  # noqa: BLE001 told by whoever joins
            self.fault = error
        finally:
            self._client.close()

    def _run(self, began: float) -> None:
        while not self.give_up.is_set():
            due = min(self.total, int((time.monotonic() - began) * self.rate))
            room = min(due - self._taken, IN_HAND - len(self._in_hand))
            self._in_hand += islice(self._source, room)
            self._taken += room
            if self._in_hand:
                self._send(self._scrambled() if self.scrambling.is_set() else [*self._in_hand])
            elif self._taken == self.total:
                return
            else:
                time.sleep(TICK_S)

    def _scrambled(self) -> list[Reading]:
        """Return what is in hand in another order, with repeats."""
        order = [
            (at + self._random.uniform(0, 6), one)
            for at, one in enumerate(self._in_hand)
            for _ in range(1 + (one.numbered and self._random.random() < 0.2))  # noqa: PLR2004
        ]
        return [one for _, one in sorted(order, key=lambda pair: pair[0])]

    def _send(self, readings: list[Reading]) -> None:
        if self._unsure and not self._is_answered():
            time.sleep(RETRY_S)
            return
        pipe = self._client.pipeline(transaction=False)
        for one in readings:
            keys = self._keys[partition_of(one.sensor, len(self._keys))]
            pipe.xadd(keys.readings, one.fields)
        self.sent += len(readings)
        try:
            answers = pipe.execute(raise_on_error=False)
        except FAULTS:
            self._note_silence(readings)
            return
        self._note(readings, answers)

    def _is_answered(self) -> bool:
        """Tell whether the server answers, before any reading is put in doubt."""
        try:
            self._unsure = not self._client.ping()
        except FAULTS:
            return False
        return True

    def _note_silence(self, readings: list[Reading]) -> None:
        """Keep what may be sent again; the rest may have arrived or not."""
        self._unsure = True
        self.retried += len(readings)
        self.doubtful |= {one.n for one in readings if not one.numbered}
        self._in_hand = [one for one in self._in_hand if one.numbered]

    def _note(self, readings: list[Reading], answers: list[Any]) -> None:
        done = set()
        for one, answer in zip(readings, answers, strict=True):
            if isinstance(answer, Exception):
                self.refused += 1
                continue
            self.acknowledged[one.n] = 1
            # A producer that forgets an answer sends the reading again later.
            forgets = self.scrambling.is_set() and one.numbered and self._random.random() < 0.05  # noqa: PLR2004
            self.retried += forgets
            if not forgets:
                done.add(one.n)
        self._in_hand = [one for one in self._in_hand if one.n not in done]
        if not done:
            time.sleep(RETRY_S)
