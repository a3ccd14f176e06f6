"""The ACL file: each part of Rillet can do its job with its user, and nothing besides."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis

from rillet.connect import connect
from rillet.embedded import EmbeddedServer
from rillet.keys import partition_keys
from tests.acl import NOT_ALLOWED, USERS, GuardedServer, guarded_server
from tests.alerting import change
from tests.processes import running, said_by_looks
from tests.receiver import receiving
from tests.serving import serving
from tests.waiting import until


@pytest.fixture(scope="module")
def guarded(
    server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GuardedServer]:
    with guarded_server(server.binary, tmp_path_factory.mktemp("acl")) as own:
        yield own


def environment(guarded: GuardedServer, user: str, **more: str) -> dict[str, str]:
    password = str(guarded.users / user / "password")
    return {"redis_username": user, "redis_password_file": password, **more}


@pytest.mark.parametrize("partitions", ["1", "3"])
def test_the_job_runs_with_each_parts_own_user(guarded: GuardedServer, partitions: str) -> None:
    """Simulator, processor and API do their work, bad readings too, each as its own user."""
    admin = connect(guarded.settings("admin"))
    admin.flushall()
    reader = connect(guarded.settings("reader"))
    process = environment(guarded, "processor", partitions=partitions, readings_tail="0")
    simulate = environment(guarded, "simulator", partitions=partitions)
    fault = ["--count", "3000", "--rate", "max", "--scenario", "duplicate", "--fault-every", "20"]
    with running(guarded, "process", **process) as worker:
        with running(guarded, "simulate", *fault, **simulate) as producer:
            assert producer.wait(60) == 0
        keys = partition_keys(guarded.settings("reader", partitions=int(partitions)))
        for one in keys:
            admin.xadd(one.readings, {"sensor": "bad", "value": "x"})

        def done() -> bool:
            streams = [one.readings for one in keys]
            groups: Any = [reader.xinfo_groups(s) for s in streams if reader.exists(s)]
            return len(groups) == len(keys) and all(g and g[0]["lag"] == 0 for g in groups)

        until(done)
        assert worker.poll() is None
    counts = [int(reader.hget(key, "count") or 0) for key in reader.scan_iter("*stats:*")]  # type: ignore[arg-type]
    assert sum(counts) > 2000
    assert all(reader.xlen(one.rejects) == 1 for one in keys)
    said_by_looks(guarded, **environment(guarded, "reader", partitions=partitions))


RULES = '[[rule]]\nname = "too-hot"\ntype = "limit"\nhigh = 30\n'


@pytest.mark.parametrize("partitions", ["1", "3"])
def test_alerts_and_rules_work_with_each_parts_own_user(
    guarded: GuardedServer, tmp_path: Path, partitions: str
) -> None:
    """The processor loads rules and posts to the webhook; the API answers, streams, takes rules."""
    admin = connect(guarded.settings("admin"))
    admin.flushall()
    (tmp_path / "rules.toml").write_text(RULES)
    keys = partition_keys(guarded.settings("reader", partitions=int(partitions)))
    common = {"partitions": partitions, "redis_url": guarded.url}
    more = {"rules_file": str(tmp_path / "rules.toml"), "webhook_timeout_s": "1", **common}
    with (
        receiving() as hook,
        running(
            guarded,
            "process",
            **environment(guarded, "processor", webhook_url=hook.url, **more),
        ),
        serving(guarded, **environment(guarded, "api", write_token="w", **common)) as api,
    ):
        until(lambda: all(admin.exists(one.rules) for one in keys))
        until(lambda: all(admin.exists(one.alerts) for one in keys))
        for one in keys:
            change(admin, one)
        until(lambda: len(hook.taken) == len(keys))
        assert len(api.get("/api/alerts").json()["active"]) == len(keys)
        assert api.get("/api/inspect?sensor=greenhouse-1").is_success
        put = httpx.put(
            f"{api.url}/api/rules",
            content=RULES.replace("30", "31"),
            headers={"Authorization": "Bearer w", "Content-Type": "application/toml"},
            timeout=60,
        )
        assert put.is_success, put.text
        assert b"31" in admin.get(keys[-1].rules)  # type: ignore[operator]
        answer = api.get("/api/sensors/greenhouse-1/windows?size=1m")
        assert answer.status_code in (200, 404), answer.text


REFUSED = {
    "simulator": [
        ["XRANGE", "results", "-", "+"],
        ["XADD", "results", "*", "a", "1"],
        ["HGETALL", "stats:s"],
        ["XTRIM", "readings", "MAXLEN", "0"],
        ["XRANGE", "readings", "-", "+"],
        ["DEL", "readings"],
        ["EVAL", "return 1", "0"],
    ],
    "api": [
        ["HSET", "stats:s", "mean", "1"],
        ["XADD", "results", "*", "a", "1"],
        ["XADD", "rejects", "*", "a", "1"],
        ["XTRIM", "readings", "MAXLEN", "0"],
        ["XGROUP", "SETID", "readings", "stats", "$"],
        ["EVAL", "return 1", "0"],
        ["DEL", "state"],
        ["SET", "readings", "x"],
        ["SET", "firing", "x"],
        ["DEL", "rules"],
        ["HDEL", "firing", "a"],
        ["RPUSH", "panes:1m:s", "x"],
    ],
    "processor": [
        ["GET", "somebody:elses"],
        ["XADD", "somebody:elses", "*", "a", "1"],
        ["DEL", "state"],
        ["DEL", "readings"],
        ["UNLINK", "alerts"],
        ["SET", "state", "x"],
        ["XREADGROUP", "GROUP", "stats", "me", "STREAMS", "readings", ">"],
        ["XACK", "readings", "stats", "0-1"],
        ["XGROUP", "DESTROY", "readings", "stats"],
        ["EVAL", "return redis.call('SET', 'x', '1')", "0"],
    ],
    "reader": [
        ["XADD", "readings", "*", "sensor", "s", "value", "1"],
        ["HSET", "stats:s", "mean", "1"],
        ["XTRIM", "readings", "MAXLEN", "0"],
        ["KEYS", "*"],
        ["SET", "rules", "{}"],
        ["XREADGROUP", "GROUP", "webhook", "me", "STREAMS", "alerts", ">"],
        ["CONFIG", "GET", "masterauth"],
        ["ACL", "LIST"],
        ["ACL", "GETUSER", "admin"],
        ["WATCH", "readings"],
    ],
    "replication": [
        ["HGETALL", "stats:s"],
        ["XADD", "readings", "*", "sensor", "s", "value", "1"],
        ["CONFIG", "GET", "masterauth"],
    ],
    "default": [["HGETALL", "stats:s"], ["XADD", "readings", "*", "a", "1"]],
}
NEVER = [
    ["FLUSHALL"],
    ["CONFIG", "SET", "maxmemory", "1"],
    ["ACL", "SETUSER", "x"],
    ["SHUTDOWN"],
    ["REPLICAOF", "NO", "ONE"],
    ["CLIENT", "KILL", "TYPE", "normal"],
]


@pytest.mark.parametrize("user", REFUSED)
def test_each_user_is_refused_what_it_need_not_do(guarded: GuardedServer, user: str) -> None:
    """No user but admin may write beyond its keys, trim, destroy, configure or flush."""
    if user == "default":
        client = redis.Redis(port=guarded.port, protocol=2, retry=None)
    else:
        client = connect(guarded.settings(user))
    for command in [*REFUSED[user], *NEVER]:
        with pytest.raises((redis.ResponseError, redis.AuthenticationError), match=NOT_ALLOWED):
            client.execute_command(*command)
    client.close()


def contents(client: Any) -> dict[bytes, Any]:
    """Return all that a server holds, by key."""
    readers = {
        b"hash": client.hgetall,
        b"stream": client.xrange,
        b"string": client.get,
        b"list": lambda key: client.lrange(key, 0, -1),
        b"zset": lambda key: client.zrange(key, 0, -1, withscores=True),
    }
    return {key: readers[client.type(key)](key) for key in client.scan_iter()}


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_a_restart_brings_back_every_write(
    server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory, how: str
) -> None:
    """The append-only file is read whole: before anybody folds again all is as it was."""
    folder = tmp_path_factory.mktemp("acl")
    durable = {"appendonly": "yes", "appendfsync": "always"}
    with guarded_server(server.binary, folder, **durable) as own:
        admin: Any = connect(own.settings("admin"))
        with (
            running(own, "process", **environment(own, "processor")),
            connect(own.settings("simulator")) as simulator,
        ):
            for n in range(200):
                reading: Any = {"sensor": f"s{n % 3}", "value": str(n), "ts": str(1000 * n)}
                simulator.xadd("readings", reading)
            until(lambda: admin.exists("windows:1m", "results") == 2)
            until(lambda: admin.xinfo_groups("readings")[0]["lag"] == 0)
        before, group = contents(admin), admin.xinfo_groups("readings")
        getattr(own, how)()
        own.start()
        assert contents(admin) == before
        assert admin.xinfo_groups("readings") == group
        assert "CRITICAL" not in (own.folder / "server.log").read_text()


@pytest.mark.slow
def test_a_replica_follows_as_the_user_replication(guarded: GuardedServer) -> None:
    """A replica that logs in with the rights of `replication` is in step with its master."""
    admin = connect(guarded.settings("admin"))
    with EmbeddedServer(
        binary=guarded.binary,
        replicaof=f"127.0.0.1 {guarded.port}",
        masteruser="replication",
        masterauth=(guarded.users / "replication/password").read_text().strip(),
    ) as own:
        replica = redis.Redis(port=own.port, protocol=2)
        admin.set("in-step", "yes")
        until(lambda: replica.get("in-step") == b"yes")
        admin.delete("in-step")
        replica.close()


def test_no_server_keeps_the_password_of_admin_as_its_masterauth() -> None:
    """Each script that starts a replica writes the user `replication` into its configuration."""
    found = [p.read_text() for p in Path("k8s").rglob("*.sh") if "masterauth" in p.read_text()]
    assert len(found) == 2
    for text in found:
        assert 'echo "masteruser replication"' in text
        assert 'echo "masterauth $(cat /secrets/replication/password)"' in text


def test_the_rendered_file_names_every_user_and_no_password(guarded: GuardedServer) -> None:
    """Passwords reach the file only as SHA-256, and `default` is off in what is deployed."""
    text = (guarded.users / "users.acl").read_text()
    assert "secret-of" not in text
    assert "@" not in text.replace("-@", "").replace("+@", "")
    assert all(f"user {user} on #" in text for user in USERS)
    template = Path("k8s/base/redis/users.acl").read_text()
    assert "user default off" in template
