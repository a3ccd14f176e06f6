"""`rillet doctor`: each finding on a server that really has that fault, and the exit status."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

import rillet.groups
from processor.fold import fold
from rillet.connect import connect
from rillet.doctor import check_clock, check_persistence, check_version, examine
from rillet.embedded import EmbeddedServer, packaged_cli
from rillet.finding import Finding, Patient
from rillet.keys import Keys
from rillet.rights import READS, WEBHOOK, WRITES, check_rights, denied_rules
from rillet.settings import Settings
from tests.acl import guarded_server
from tests.topology import cluster
from tests.waiting import until


def found(settings: Settings, check: str) -> list[Finding]:
    return [one for one in examine(settings) if one.check == check]


def test_a_server_without_persistence_is_warned_of(settings: Settings, client: redis.Redis) -> None:
    """No append-only file is a warning with its command; after that command there is none."""
    (one,) = found(settings, "persistence")
    assert one.level == "warning"
    assert "CONFIG SET appendonly yes" in one.mend
    client.config_set("appendonly", "yes")
    try:
        assert found(settings, "persistence")[0].level == "ok"
    finally:
        client.config_set("appendonly", "no")


def test_a_policy_that_evicts_state_is_an_error(settings: Settings, client: redis.Redis) -> None:
    """allkeys-lru is an error, and the command it names mends it."""
    client.config_set("maxmemory-policy", "allkeys-lru")
    (one,) = found(settings, "memory")
    assert one.level == "error"
    client.execute_command(*one.mend.split()[1:])
    assert found(settings, "memory")[0].level == "ok"


def test_readings_that_nothing_folds_are_an_error(settings: Settings, client: redis.Redis) -> None:
    """Readings without the fold's group are an error; after a fold all is well."""
    client.xadd("readings", {"sensor": "s", "value": "1"})
    (one,) = found(settings, "groups")
    assert (one.level, one.mend) == ("error", "rillet process")
    fold(client, settings, Keys(), 10)
    assert found(settings, "groups")[0].level == "ok"


HOUR_MS = 3_600_000
LONG_AGO = "1000-0"


def groups_that_ail(settings: Settings) -> list[Finding]:
    return [one for one in examine(settings) if "group " in one.said and one.level != "ok"]


def command_of(finding: Finding) -> list[str]:
    return shlex.split(re.sub(r"\s+\(.*", "", finding.mend))


def test_a_forgotten_group_is_named(settings: Settings, client: redis.Redis) -> None:
    """A group that left old readings unread is a warning, though Redis cannot tell its lag."""
    client.xadd("readings", {"sensor": "s", "value": "1"}, id=LONG_AGO)
    client.xadd("readings", {"sensor": "s", "value": "1"}, id="1001-0")
    client.xadd("readings", {"sensor": "s", "value": "1"}, id="1002-0")
    client.xgroup_create("readings", "old", id=LONG_AGO)
    client.xdel("readings", "1001-0")
    lag = {g["name"]: g["lag"] for g in client.xinfo_groups("readings")}[b"old"]
    assert lag is None
    (one,) = groups_that_ail(settings)
    assert (one.level, one.check) == ("warning", "forgotten group")
    assert "group old" in one.said
    client.xgroup_destroy("readings", "old")
    assert groups_that_ail(settings) == []


def test_the_advice_on_a_group_loses_nothing(settings: Settings, client: redis.Redis) -> None:
    """The command to run first only looks; the one that drops the group comes with its price."""
    client.xadd("readings", {"sensor": "s", "value": "1"}, id=LONG_AGO)
    client.xgroup_create("readings", "old", id="0")
    (one,) = groups_that_ail(settings)
    assert command_of(one) == ["redis-cli", "XINFO", "CONSUMERS", "readings", "old"]
    client.execute_command(*command_of(one)[1:])
    assert "XGROUP DESTROY readings old" in one.mend
    assert "never sees" in one.mend
    assert len(client.xinfo_groups("readings")) == 1


def test_a_group_at_work_is_not_accused(settings: Settings, client: redis.Redis) -> None:
    """Readings in flight, or a lag of today, are no fault, however many they are."""
    for _ in range(5):
        client.xadd("readings", {"sensor": "s", "value": "1"})
    client.xgroup_create("readings", "archive", id="0")
    assert groups_that_ail(settings) == []
    client.xreadgroup("archive", "me", {"readings": ">"}, count=2)
    assert groups_that_ail(settings) == []
    client.xgroup_create("readings", "done", id="$")
    assert groups_that_ail(settings) == []


def test_entries_that_nobody_acknowledges_are_named(
    settings: Settings, client: redis.Redis
) -> None:
    """A group whose consumers ask, but that has had entries in hand for hours, is stuck."""
    entry = client.xadd("readings", {"sensor": "s", "value": "1"})
    client.xgroup_create("readings", "archive", id="0")
    client.xreadgroup("archive", "me", {"readings": ">"})
    client.xclaim("readings", "archive", "me", 0, [entry], idle=2 * HOUR_MS)  # type: ignore[list-item]
    (one,) = groups_that_ail(settings)
    assert (one.check, "not acknowledged" in one.said) == ("stuck group", True)
    assert "DESTROY" not in one.mend
    assert command_of(one)[1:] == ["XPENDING", "readings", "archive", "-", "+", "10"]


def test_a_group_that_reads_but_is_late_is_slow(settings: Settings, client: redis.Redis) -> None:
    """A group that asks, but has old readings before it, is slow: nothing is to be destroyed."""
    for n in range(3):
        client.xadd("readings", {"sensor": "s", "value": "1"}, id=f"100{n}-0")
    client.xgroup_create("readings", "archive", id="0")
    client.xreadgroup("archive", "me", {"readings": ">"}, count=1, noack=True)
    (one,) = groups_that_ail(settings)
    assert one.check == "slow group"
    assert "DESTROY" not in one.mend


def test_a_consumer_that_went_away_makes_a_forgotten_group(
    settings: Settings, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once its last consumer has not asked for too long, the group is forgotten."""
    client.xadd("readings", {"sensor": "s", "value": "1"}, id=LONG_AGO)
    client.xadd("readings", {"sensor": "s", "value": "1"}, id="1001-0")
    client.xgroup_create("readings", "archive", id="0")
    client.xreadgroup("archive", "me", {"readings": ">"}, count=1)
    monkeypatch.setattr(rillet.groups, "OLD_MS", 20)
    until(lambda: [one.check for one in groups_that_ail(settings)] == ["forgotten group"])


def test_changes_that_wait_for_the_webhook_are_told(
    settings: Settings, client: redis.Redis
) -> None:
    """The webhook's group is on `alerts`: old changes there are a warning, new ones are not."""
    client.xadd("alerts", {"rule": "r", "sensor": "s", "state": "firing"})
    client.xgroup_create("alerts", "webhook", id="0")
    client.xreadgroup("webhook", "rillet", {"alerts": ">"})
    assert not found(settings, "webhook")
    (pending,) = client.xrange("alerts")
    client.xclaim("alerts", "webhook", "rillet", 0, [pending[0]], idle=2 * HOUR_MS)  # type: ignore[list-item]
    (one,) = found(settings, "webhook")
    assert one.level == "warning"
    assert "1 not acknowledged" in one.said
    client.xack("alerts", "webhook", pending[0])
    assert not found(settings, "webhook")


def test_a_group_without_a_known_lag_is_judged_by_age(
    settings: Settings, client: redis.Redis
) -> None:
    """Where Redis cannot tell the fold's lag, an old reading that is unread is a warning."""
    for n in range(3):
        client.xadd("readings", {"sensor": "s", "value": "1"}, id=f"100{n}-0")
    client.xgroup_create("readings", "stats", id="1000-0")
    client.xdel("readings", "1001-0")
    assert [g["lag"] for g in client.xinfo_groups("readings")] == [None]
    (one,) = found(settings, "lag")
    assert one.level == "warning"
    client.xgroup_setid("readings", "stats", "1002-0")
    assert not found(settings, "lag")
    assert "None" not in "".join(one.said for one in examine(settings))


def test_a_lag_beyond_the_bound_is_a_warning(settings: Settings, client: redis.Redis) -> None:
    """More unfolded readings than producers are let run ahead is a warning."""
    client.xgroup_create("readings", "stats", id="0", mkstream=True)
    for _ in range(3):
        client.xadd("readings", {"sensor": "s", "value": "1"})
    (one,) = found(settings.model_copy(update={"backlog_max": 2}), "lag")
    assert one.level == "warning"
    assert one.mend.startswith("rillet process")


def test_a_server_open_to_all_is_a_warning(settings: Settings) -> None:
    """The user `default` without a password is a warning."""
    assert found(settings, "rights")[0].level == "warning"


def test_each_user_of_the_acl_file_may_ask(server: EmbeddedServer, tmp_path: Path) -> None:
    """The processor's and the reader's users get an answer, without an error of rights."""
    with guarded_server(server.binary, tmp_path) as guarded:
        with connect(guarded.settings("admin")) as admin:
            admin.xadd("readings", {"sensor": "s", "value": "1"}, id=LONG_AGO)
            fold(admin, guarded.settings("admin"), Keys())
            admin.xgroup_create("readings", "old", id="0")
        for user in ("processor", "reader", "admin"):
            findings = examine(guarded.settings(user))
            assert [one.check for one in findings if "group" in one.check] == [
                "groups",
                "forgotten group",
            ]
            assert not [one for one in findings if one.level == "error"], findings
            assert {one.level for one in findings if one.check == "rights"} == {"ok"}


def test_the_processors_user_has_what_the_doctor_asks_for(
    server: EmbeddedServer, tmp_path: Path
) -> None:
    """The deployment's ACL file gives the processor every right that it and a webhook need."""
    with guarded_server(server.binary, tmp_path) as guarded:
        own = guarded.settings("admin", webhook_url="http://127.0.0.1:1/")
        with connect(own) as admin:
            denied = denied_rules(Patient(admin, own, {}), "processor", READS + WRITES + WEBHOOK)
            assert list(denied) == []


@pytest.mark.parametrize("right", ["xread", "hmget", "hget", "xrange", "xinfo|groups", "xpending"])
def test_a_right_to_read_is_missed_too(settings: Settings, client: redis.Redis, right: str) -> None:
    """A user that lacks one of the rights to read cannot run a worker, and is told which."""
    client.execute_command("ACL", "SETUSER", "w", "on", "nopass", "+@all", f"-{right}", "~*")
    try:
        own = settings.model_copy(update={"redis_username": "w"})
        with connect(own) as mine:
            findings = list(check_rights(Patient(mine, own, {})))
        assert [one.level for one in findings] == ["warning"]
        assert f"+{right} " in findings[0].mend
    finally:
        client.acl_deluser("w")


def test_a_default_user_that_may_not_replay_is_an_error(
    server: EmbeddedServer, tmp_path: Path
) -> None:
    """Where `default` may nothing a restart loses what scripts wrote; the command mends it."""
    with guarded_server(server.binary, tmp_path, appendonly="yes") as own:
        admin = connect(own.settings("admin"))
        admin.execute_command("ACL", "SETUSER", "default", "resetkeys", "-@all")
        bad = [one for one in found(own.settings("reader"), "rights") if one.level == "error"]
        assert len(bad) == 1
        assert "a restart loses" in bad[0].said
        admin.execute_command(*command_of(bad[0])[1:])
        assert {one.level for one in found(own.settings("reader"), "rights")} == {"ok"}
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(port=own.port, protocol=2).ping()


def test_missing_rights_are_named_and_given(server: EmbeddedServer, tmp_path: Path) -> None:
    """A user with some of a processor's rights is a warning, and the command gives the others."""
    with guarded_server(server.binary, tmp_path) as guarded:
        admin = connect(guarded.settings("admin"))
        rights = "~readings ~state +@read +@connection +evalsha +hset +acl|whoami +acl|dryrun"
        password = (guarded.users / "reader/password").read_text().strip()
        admin.execute_command(
            "ACL",
            "SETUSER",
            "reader",
            "reset",
            "on",
            f">{password}",
            *rights.split(),
            "+info",
            "+time",
            "+xinfo",
        )
        mine = guarded.settings("reader")
        (one,) = found(mine, "rights")
        assert one.level == "warning"
        assert "+xtrim" in one.mend
        admin.execute_command(*shlex.split(one.mend)[1:])
        assert found(mine, "rights")[0].level == "ok"


def test_memory_near_its_limit_is_a_warning(settings: Settings, client: redis.Redis) -> None:
    """Nine tenths of maxmemory used is a warning, and the command it names mends it."""
    client.config_set("maxmemory", int(client.info()["used_memory"] * 1.05))
    try:
        (one,) = found(settings, "memory")
        assert one.level == "warning"
        client.execute_command(*command_of(one)[1:])
        assert found(settings, "memory")[0].level == "ok"
        client.config_set("maxmemory", 1000)
        (one,) = found(settings, "memory")
        assert (one.level, one.said.endswith("used: readings are refused")) == ("error", True)
        client.execute_command(*command_of(one)[1:])
        assert found(settings, "memory")[0].level == "ok"
    finally:
        client.config_set("maxmemory", 0)


def test_a_failed_write_of_the_file_is_an_error(settings: Settings, client: redis.Redis) -> None:
    """A disk that takes no more is an error: what comes in is not kept."""
    info = {"aof_enabled": 1, "aof_last_write_status": "err"}
    (one,) = check_persistence(Patient(client, settings, info))
    assert (one.level, one.mend[:5]) == ("error", "redis")


@pytest.mark.slow
def test_a_replica_that_acknowledges_nothing_is_named(
    settings: Settings,
    client: redis.Redis,
    replica: EmbeddedServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A replica that stands still is a warning with its address; one that goes on is well."""
    monkeypatch.setattr("rillet.doctor.LATE_REPLICA_S", 1)
    until(lambda: client.info()["connected_slaves"] == 1)
    until(lambda: found(settings, "replicas")[0].level == "ok")
    os.kill(replica.pid, signal.SIGSTOP)
    try:
        late = until(lambda: [f for f in found(settings, "replicas") if f.level == "warning"])
    finally:
        os.kill(replica.pid, signal.SIGCONT)
    assert f"-p {replica.port} INFO replication" in late[0].mend


class Skewed:
    """A client whose server's clock is a minute and a half ahead."""

    def __init__(self, client: redis.Redis) -> None:
        self.client = client

    def time(self) -> tuple[int, int]:
        """Return (seconds, microseconds), as the client does."""
        seconds, micros = self.client.time()  # type: ignore[misc]
        return seconds + 90, micros


def test_a_skewed_clock_is_an_error(settings: Settings, client: redis.Redis) -> None:
    """Ahead by more than the allowed skew: an error; in step: well."""
    assert [f.level for f in check_clock(Patient(client, settings, {}))] == ["ok"]
    assert [f.level for f in check_clock(Patient(Skewed(client), settings, {}))] == ["error"]


@pytest.mark.parametrize(
    ("info", "level"),
    [
        ({"redis_version": "6.2.14"}, "error"),
        ({"redis_version": "7.0.15"}, "ok"),
        ({"valkey_version": "7.2.0", "redis_version": "7.2.4"}, "ok"),
    ],
)
def test_an_old_server_is_an_error(settings: Settings, info: dict[str, Any], level: str) -> None:
    """Versions older than the supported ones are an error."""
    assert [f.level for f in check_version(Patient(None, settings, info))] == [level]


@pytest.fixture
def replica(server: EmbeddedServer) -> Iterator[EmbeddedServer]:
    with EmbeddedServer(binary=server.binary, replicaof=f"127.0.0.1 {server.port}") as own:
        yield own


def test_a_replica_is_no_place_to_fold(replica: EmbeddedServer) -> None:
    """Pointing Rillet at a replica is an error, and the command names its master."""
    (one,) = found(Settings(redis_url=replica.url), "replicas")
    assert one.level == "error"
    name, _, url = one.mend.removeprefix("export ").partition("=")
    assert found(Settings(**{name.removeprefix("RILLET_").lower(): url}), "replicas")


def test_every_node_of_a_cluster_is_looked_at(server: EmbeddedServer) -> None:
    """The version and persistence of each primary are checked."""
    with cluster(server.binary) as made:
        findings = examine(Settings(redis_url=made.url, partitions=8))
    assert len([one for one in findings if one.check == "version"]) == 3
    assert not [one for one in findings if one.level == "error"], findings


def test_writes_that_wait_for_replicas_are_an_error(
    settings: Settings, client: redis.Redis
) -> None:
    """Where replicas are asked for and none is there, writes are refused; its command mends it."""
    client.config_set("min-replicas-to-write", 1)
    try:
        (one,) = found(settings, "replicas")
        assert one.level == "error"
        client.execute_command(*command_of(one)[1:])
        assert found(settings, "replicas")[0].level == "ok"
    finally:
        client.config_set("min-replicas-to-write", 0)


@pytest.mark.parametrize("key", ["readings", "alerts", "rules"])
def test_a_key_of_a_wrong_type_is_an_error_and_no_end(
    settings: Settings, client: redis.Redis, key: str
) -> None:
    """The check that meets it says so, and the others still tell what they find."""
    client.hset(key, "in", "the way")
    findings = examine(settings)
    assert [one.level for one in findings if "WRONGTYPE" in one.said] != []
    assert {"version", "persistence", "memory", "clock", "rights"} <= {
        one.check for one in findings
    }
    assert run(settings.redis_url.get_secret_value()).returncode == 2


HOSTILE = "x'; touch PWNED; echo '"


def test_a_name_is_never_a_command(settings: Settings, client: redis.Redis, tmp_path: Path) -> None:
    """A command to paste has foreign names quoted, and leads to the database of the settings."""
    url = settings.redis_url.get_secret_value().removesuffix("/0") + "/3"
    client.select(3)
    try:
        client.xadd("readings", {"sensor": "s", "value": "1"}, id=LONG_AGO)
        client.xgroup_create("readings", HOSTILE, id="0")
        client.xadd(f"windows:{HOSTILE}", {"a": "b"})
        said = run(url).stdout
        mends = [line.partition("mend: ")[2] for line in said.splitlines() if HOSTILE[:2] in line]
        mends = [re.sub(r"\s+\(who.*", "", one) for one in mends if one]
        assert len(mends) == 2
        tool = shutil.which("redis-cli") or packaged_cli()
        for mend in mends:
            assert f"{url} " in mend
            line = mend.replace("redis-cli -u", f"{tool} -u")
            subprocess.run(["bash", "-c", line], cwd=tmp_path, check=True, capture_output=True)
        assert list(tmp_path.iterdir()) == []
        assert client.exists(f"windows:{HOSTILE}") == 0
    finally:
        client.flushdb()
        client.select(0)


def test_a_node_that_does_not_answer_is_named(server: EmbeddedServer) -> None:
    """With a primary of a Cluster gone the others are still looked at; the status is 2."""
    with cluster(server.binary) as made:
        gone = made.servers[-1]
        gone.kill()
        findings = examine(Settings(redis_url=made.url, partitions=8))
        (dead,) = [one for one in findings if one.check == "server"]
        assert (dead.level, dead.node) == ("error", ("127.0.0.1", gone.port))
        assert len([one for one in findings if one.check == "version"]) == 2


def test_a_missing_right_is_one_line(server: EmbeddedServer, tmp_path: Path) -> None:
    """Every command that Redis refuses says so in one line, with status 2."""
    with guarded_server(server.binary, tmp_path) as guarded:
        password = str(guarded.settings("reader").redis_password_file)
        env = {
            "RILLET_REDIS_URL": guarded.settings("reader").redis_url.get_secret_value(),
            "RILLET_REDIS_USERNAME": "reader",
            "RILLET_REDIS_PASSWORD_FILE": password,
            "PATH": "/usr/bin:/bin",
        }
        command = [sys.executable, "-m", "rillet", "forget", "s"]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 2
        (line,) = done.stderr.strip().splitlines()
        assert line.startswith("rillet: Redis does not allow this user that: ")


def run(url: str, *options: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "rillet", "doctor", *options]
    env = {"RILLET_REDIS_URL": url, "PATH": "/usr/bin:/bin"}
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


def test_the_exit_status_is_for_scripts(settings: Settings, client: redis.Redis) -> None:
    """Warnings exit 1, errors 2, no server 2 with one line."""
    url = settings.redis_url.get_secret_value()
    warned = run(url, "--quiet")
    assert warned.returncode == 1, warned.stderr
    port = url.removesuffix("/0").rpartition(":")[2]
    there = f"redis-cli -u redis://127.0.0.1:{port}/0"
    assert f"mend: {there} CONFIG SET appendonly yes" in warned.stdout
    assert "ok " not in warned.stdout
    client.config_set("maxmemory-policy", "allkeys-random")
    try:
        assert run(url).returncode == 2
    finally:
        client.config_set("maxmemory-policy", "noeviction")
    nobody = run("redis://127.0.0.1:1/0")
    assert nobody.returncode == 2
    assert nobody.stderr.count("\n") == 1
