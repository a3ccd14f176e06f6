"""The webhook as a real process, and a real receiver that fails, hangs and recovers."""

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from subprocess import Popen
from typing import Any

import httpx
import pytest
import redis

from rillet.embedded import EmbeddedServer, free_port
from rillet.keys import WEBHOOK_GROUP, Keys
from tests.alerting import change
from tests.processes import running
from tests.receiver import Hook, receiving
from tests.waiting import until

KEYS = Keys()
IMPATIENT = {"webhook_timeout_s": "0.7"}
"""For receivers that hang, and for claims that run out soon. What is answered later than that is
posted again: on a busy machine no setting for a test that counts what was posted."""


@pytest.fixture
def hook() -> Iterator[Hook]:
    with receiving() as running_hook:
        yield running_hook


def worker(server: EmbeddedServer, hook: Hook, **more: str) -> AbstractContextManager[Popen[str]]:
    return running(server, "process", webhook_url=hook.url, **more)


def ready(client: redis.Redis) -> Any:
    """Tell whether the group is there: what comes from now on is delivered."""
    groups: Any = client.xinfo_groups(KEYS.alerts) if client.exists(KEYS.alerts) else []
    return [group for group in groups if group["name"] == WEBHOOK_GROUP.encode()]


def done(client: redis.Redis) -> bool:
    (group,) = ready(client)
    return bool(group["pending"] == 0 and group["lag"] == 0)


def metric(port: int, name: str) -> float:
    text = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=60).text
    found = re.search(
        rf'^rillet_processor_webhook_{name}{{partition="0"}} (\S+)', text, re.MULTILINE
    )
    assert found
    return float(found[1])


def test_each_change_is_posted_as_slack_takes_it(
    server: EmbeddedServer, client: redis.Redis, hook: Hook
) -> None:
    """In order, once each, as `text` and the alert's fields; what was before it was set is not."""
    change(client, KEYS, sensor="older")
    with worker(server, hook):
        until(lambda: ready(client))
        entry = change(client, KEYS, message="a <b> & c")
        change(client, KEYS, state="resolved", value="29")
        until(lambda: done(client))
    first, second = hook.tried
    assert first["text"] == "Firing: a &lt;b&gt; &amp; c"
    assert (first["entry"], first["value"], first["rule"]) == (entry, 31.5, "too-hot")
    assert first["message"] == "a <b> & c"
    assert second["text"].startswith("Resolved: ")


@pytest.mark.parametrize("answer", [500, Hook.HANG])
@pytest.mark.slow
def test_a_receiver_that_fails_is_asked_until_it_recovers(
    server: EmbeddedServer, client: redis.Redis, hook: Hook, answer: int
) -> None:
    """An error, or no answer: tried again, in order, and delivered once it answers."""
    port = free_port()
    hook.answer = answer
    with worker(server, hook, metrics_port=str(port), **IMPATIENT) as process:
        until(lambda: ready(client))
        for n in range(3):
            change(client, KEYS, sensor=f"s{n}")
        until(lambda: len(hook.tried) >= 2)
        assert {tried["sensor"] for tried in hook.tried} == {"s0"}
        hook.answer = 200
        hook.over.set()
        until(lambda: done(client))
        assert metric(port, "deliveries_total") == 3
        assert metric(port, "failures_total") >= 2
        assert metric(port, "lost_total") == 0
        process.terminate()
        said = process.communicate()[0]
    assert [taken["sensor"] for taken in hook.taken] == ["s0", "s1", "s2"]
    assert said.count("webhook.failing") == said.count("webhook.recovered") == 1
    assert "secret" not in said


def test_a_dead_workers_change_is_delivered_by_another(
    server: EmbeddedServer, client: redis.Redis, hook: Hook
) -> None:
    """SIGKILL while the receiver hangs: the next worker claims the change and delivers it."""
    hook.answer = Hook.HANG
    with worker(server, hook, **IMPATIENT) as process:
        until(lambda: ready(client))
        change(client, KEYS, sensor="held")
        until(lambda: hook.tried)
        process.kill()
        process.wait()
    change(client, KEYS, sensor="next")
    hook.answer = 200
    with worker(server, hook, **IMPATIENT):
        until(lambda: done(client))
    assert sorted(taken["sensor"] for taken in hook.taken) == ["held", "next"]


def test_several_workers_deliver_each_change_once(
    server: EmbeddedServer, client: redis.Redis, hook: Hook
) -> None:
    """While nothing fails no change is posted twice, though all workers share the group."""
    with worker(server, hook), worker(server, hook), worker(server, hook):
        until(lambda: ready(client))
        for n in range(60):
            change(client, KEYS, sensor=f"s{n}")
        until(lambda: done(client))
    assert sorted(one["sensor"] for one in hook.taken) == sorted(f"s{n}" for n in range(60))


@pytest.mark.slow
def test_a_living_worker_keeps_what_it_holds(
    server: EmbeddedServer, client: redis.Redis, hook: Hook
) -> None:
    """Two workers and a receiver that fails for longer than a claim: the other never takes over."""
    hook.answer = 500
    with worker(server, hook, **IMPATIENT), worker(server, hook, **IMPATIENT):
        until(lambda: ready(client))
        change(client, KEYS)
        until(lambda: len(hook.tried) >= 6)
        pending: Any = client.xpending_range(KEYS.alerts, WEBHOOK_GROUP, "-", "+", 10)
        assert [one["times_delivered"] for one in pending] == [1]
        hook.answer = 200
        until(lambda: done(client))
    assert len(hook.taken) == 1


def test_what_is_trimmed_undelivered_is_counted_and_logged(
    server: EmbeddedServer, client: redis.Redis, hook: Hook
) -> None:
    """Changes dropped before the webhook had them are told by number, and the rest is delivered."""
    port = free_port()
    hook.answer = 500
    with worker(server, hook, metrics_port=str(port)) as process:
        until(lambda: ready(client))
        for n in range(10):
            change(client, KEYS, sensor=f"s{n}")
        until(lambda: hook.tried)
        client.xtrim(KEYS.alerts, maxlen=4, approximate=False)
        hook.answer = 200
        until(lambda: metric(port, "lost_total"))
        until(lambda: metric(port, "deliveries_total") == 5)
        change(client, KEYS, sensor="after")
        until(lambda: metric(port, "deliveries_total") == 6)
        assert metric(port, "lost_total") == 5
        process.terminate()
        said = process.communicate()[0]
    assert [one["sensor"] for one in hook.taken] == ["s0", "s6", "s7", "s8", "s9", "after"]
    assert said.count("webhook.lost") == 1


def test_a_lost_group_goes_on_where_it_was(
    server: EmbeddedServer, client: redis.Redis, hook: Hook
) -> None:
    """Destroyed, or gone with all data: the group is made again after the last change delivered."""
    with worker(server, hook):
        until(lambda: ready(client))
        change(client, KEYS, sensor="a")
        until(lambda: hook.taken)
        pipe = client.pipeline()
        pipe.xgroup_destroy(KEYS.alerts, WEBHOOK_GROUP)
        pipe.xadd(KEYS.alerts, {"sensor": "b", "rule": "r", "state": "firing"})
        pipe.execute()
        until(lambda: len(hook.taken) == 2)
        client.flushall()
        change(client, KEYS, sensor="c")
        until(lambda: len(hook.taken) == 3)
    assert [one["sensor"] for one in hook.taken] == ["a", "b", "c"]
