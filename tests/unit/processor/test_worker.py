"""processor/worker.py: how it waits, pauses and heals, without other processes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Event, Thread
from typing import Any

import pytest
import redis
from structlog.testing import capture_logs

import processor.worker
import rillet.connect
from processor.fold import Folded, fold
from processor.health import Health
from processor.worker import BACKOFF_S, Driver, ignore, work
from rillet.errors import UserError
from rillet.heartbeat import Pulse
from rillet.keys import Keys
from rillet.settings import Settings
from tests.waiting import until

NOBODY = Settings(redis_url="redis://127.0.0.1:1/0")


class Stop(Event):
    """A stop that notes the pauses and takes none; it is set once there were enough."""

    def __init__(self, enough: int) -> None:
        super().__init__()
        self.pauses: list[float] = []
        self.looks = 0
        self.enough = enough

    def wait(self, timeout: float | None = None) -> bool:
        """Note a pause."""
        self.pauses.append(timeout or 0.0)
        return self.is_set()

    def is_set(self) -> bool:
        """Tell whether it is enough; a driver that makes no pause is ended too."""
        self.looks += 1
        return super().is_set() or len(self.pauses) >= self.enough or self.looks > 10 * self.enough


def driver(settings: Settings, stop: Event) -> Driver:
    keys = Keys()
    pulse = Pulse(settings, [keys.readings])
    return Driver(settings, keys, stop, ignore, health=Health(), pulse=pulse)


def pauses_of(settings: Settings, enough: int) -> list[float]:
    stop = Stop(enough)
    driver(settings, stop).run()
    return stop.pauses


def test_pauses_grow_to_the_longest() -> None:
    """Without a server each pause is twice the one before, up to the longest."""
    first, longest = BACKOFF_S
    doubled = [min(longest, first * 2**i) for i in range(8)]
    assert pauses_of(NOBODY, 8) == doubled
    assert doubled[-2:] == [longest, longest]


def raising(error: Exception, after: int = 0) -> Callable[..., Folded]:
    """Return a fold that raises from its call number `after` on."""
    calls = []

    def fail(*given: Any, **_named: Any) -> Folded:
        calls.append(given)
        if len(calls) > after:
            raise error
        return fold(*given)

    return fail


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize(
    "error", [UserError("RILLET_REDIS_PASSWORD_FILE cannot be read"), redis.TimeoutError("slow")]
)
def test_faults_of_a_reconnect_are_tried_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """What a person can put right while the worker runs, such as a missing file, pauses it."""
    monkeypatch.setattr(processor.worker, "fold", raising(error))
    assert pauses_of(settings, 3) == [0.05, 0.1, 0.2]


def test_a_fault_of_the_wait_is_one_line(
    settings: Settings, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Folds that go well between waits that fail are no recovery: one line, growing pauses."""
    client.xadd("readings", {"sensor": "s", "value": "1"})
    client.execute_command("ACL", "SETUSER", "w", "on", "nopass", "+@all", "-xread", "~*")
    monkeypatch.setattr(processor.worker, "WAIT_MS", 1)
    own = settings.model_copy(update={"redis_username": "w"})
    try:
        with capture_logs() as lines:
            assert pauses_of(own, 4) == [0.05, 0.1, 0.2, 0.4]
        assert [line["event"] for line in lines] == ["fold.failing"]
    finally:
        client.acl_deluser("w")


def test_a_fold_that_only_reports_a_fault_pauses(settings: Settings, client: redis.Redis) -> None:
    """Copies that cannot be written are not tried without end: the pauses grow."""
    client.set("results", "in the way")
    client.xadd("readings", {"sensor": "s", "value": "1"})
    with capture_logs() as lines:
        assert pauses_of(settings, 3) == [0.05, 0.1, 0.2]
    assert [line["event"] for line in lines] == ["fold.failing"]
    client.delete("results")
    folded = fold(client, settings, Keys())
    assert (folded.fault, client.xlen("results")) == ("", 1)


def test_a_whole_step_ends_the_outage(
    settings: Settings, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a step without a fault, the next outage begins with the first pause again."""
    client.xadd("readings", {"sensor": "s", "value": "1"})
    monkeypatch.setattr(processor.worker, "WAIT_MS", 1)
    stop, moments = Stop(4), iter([True, True, False, True, True])

    def sometimes(*given: Any, **_named: Any) -> Folded:
        if next(moments):
            raise redis.ConnectionError("away")
        return fold(*given)

    monkeypatch.setattr(processor.worker, "fold", sometimes)
    with capture_logs() as lines:
        driver(settings, stop).run()
    assert stop.pauses == [0.05, 0.1, 0.05, 0.1]
    said = [line["event"] for line in lines]
    assert said == ["fold.failing", "fold.recovered", "fold.failing"]


def test_folds_without_readings_grow_as_long_as_sensors_are_due(
    settings: Settings, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many silent sensors are looked at in folds that are measured as those of readings are."""
    client.xgroup_create("readings", "stats", mkstream=True)
    most: list[int] = []

    def silent(*given: Any, due_most: int, **_named: Any) -> Folded:
        most.append(due_most)
        return replace(fold(*given), busy_us=100, due_left=1)

    monkeypatch.setattr(processor.worker, "fold", silent)
    driver(settings, Stop(1)).run()
    assert most[:3] == [most[0], most[0] * 2, most[0] * 4]


@contextmanager
def driven(settings: Settings, on_fold: Any) -> Iterator[None]:
    """Run a worker in a thread; it is freed from its wait by a reading."""
    stop = Event()
    thread = Thread(target=work, args=(settings, stop, on_fold), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        with rillet.connect.connect(settings) as client:
            client.xadd("readings", {"sensor": "last", "value": "1"})
        thread.join(60)
        assert not thread.is_alive()


def test_no_reading_waits_for_a_timer(
    settings: Settings, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a quiet stream the worker is blocked in one XREAD, and it is the reading that ends it."""
    monkeypatch.setattr(processor.worker, "WAIT_MS", 60_000)
    monkeypatch.setattr(rillet.connect, "SOCKET_TIMEOUT_S", 90.0)
    seen: list[Folded] = []
    info: Any = client.info
    with driven(settings, lambda _, folded: seen.append(replace(folded))):
        for n in range(1, 4):
            until(lambda: info("clients")["blocked_clients"] == 1)
            before = len(seen)
            client.xadd("readings", {"sensor": "s", "value": "1"})
            until(lambda n=n: client.hget("stats:s", "count") == b"%d" % n)
            until(lambda: info("clients")["blocked_clients"] == 1)
            assert [one.readings for one in seen[before:]] == [1]
