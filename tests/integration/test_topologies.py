"""TLS, Sentinel and Cluster: the job runs through each, and through failover and migration."""

import random
import shutil
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
from redis.crc import key_slot
from structlog.testing import capture_logs

from rillet.connect import FAULTS, connect, connect_async
from rillet.embedded import EmbeddedServer, supported
from rillet.errors import UserError
from rillet.keys import partition_keys, partition_of
from rillet.settings import Settings
from simulator.reading import Reading
from simulator.writer import Writer
from tests.lua.model import exact_figures
from tests.processes import running, said_by_looks
from tests.serving import answers, serving
from tests.topology import Cluster, cluster, make_certificates, sentinels
from tests.waiting import until

REDIS = shutil.which("redis-server") or ""


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[EmbeddedServer, Path]]:
    if not (REDIS and supported(REDIS)):
        pytest.skip("TLS needs a redis-server on PATH: the packaged one is built without it")
    folder = make_certificates(tmp_path_factory.mktemp("tls"))
    with EmbeddedServer(binary=REDIS) as server:
        client = redis.Redis(port=server.port, protocol=2)
        for name in (
            "tls-ca-cert-file ca.pem",
            "tls-cert-file server.pem",
            "tls-key-file server.key",
        ):
            option, file = name.split()
            client.config_set(option, str(folder / file))
        client.config_set("tls-auth-clients", "no")
        with EmbeddedServer(binary=REDIS) as spare:
            port = spare.port
        client.config_set("tls-port", port)
        client.close()
        server.tls_url = f"rediss://127.0.0.1:{port}/0"  # type: ignore[attr-defined]
        yield server, folder


async def test_tls_trusts_the_given_authority_and_no_other(tls: tuple[Any, Path]) -> None:
    """With RILLET_REDIS_CA_FILE both clients work over TLS; without it they refuse."""
    server, folder = tls
    good = Settings(redis_url=server.tls_url, redis_ca_file=folder / "ca.pem")
    with connect(good) as client:
        assert client.ping()
    async with connect_async(good) as other:
        assert await other.ping()
    with (
        connect(Settings(redis_url=server.tls_url)) as client,
        pytest.raises(redis.ConnectionError, match="certificate verify failed"),
    ):
        client.ping()


def test_a_missing_certificate_is_named(tls: tuple[Any, Path]) -> None:
    """A CA file that is not there is one clear line."""
    server, folder = tls
    with pytest.raises(UserError, match=r"nowhere\.pem"):
        connect(Settings(redis_url=server.tls_url, redis_ca_file=folder / "nowhere.pem"))


def test_the_job_runs_over_tls(tls: tuple[Any, Path]) -> None:
    """Simulator and processor work over rediss:// end to end."""
    server, folder = tls
    more = {"redis_url": server.tls_url, "redis_ca_file": str(folder / "ca.pem")}
    with running(server, "process", **more):
        with running(server, "simulate", "--count", "500", "--rate", "max", **more) as producer:
            assert producer.wait(60) == 0
        with connect(Settings(redis_url=server.url)) as client:
            until(lambda: _total(client, "stats:*") == 500)


def _total(client: redis.Redis, pattern: str) -> int:
    return sum(int(client.hget(k, "count") or 0) for k in client.scan_iter(pattern))  # type: ignore[arg-type]


class Producer(threading.Thread):
    """Writes readings with ts and seq until stopped; each is sent until `ack` says it is safe.

    What is sent twice is recognised by its seq, so `sent` is exactly what must be counted.
    """

    def __init__(self, settings: Settings, *, wait: bool) -> None:
        super().__init__()
        self.settings, self.wait = settings, wait
        self.halt = threading.Event()
        self.sent: dict[str, list[float]] = {}
        self.retries = 0

    def run(self) -> None:
        """Write until `halt` is set."""
        rnd, keys, client = random.Random(7), partition_keys(self.settings), None
        seq = 0
        while not self.halt.is_set():
            seq += 1
            sensor, value = f"s{seq % 24}", rnd.gauss(1e6, 0.1)
            stream = keys[partition_of(sensor, len(keys))].readings
            fields = {"sensor": sensor, "value": repr(value), "ts": str(seq), "seq": str(seq)}
            while True:
                try:
                    client = client or connect(self.settings)
                    client.xadd(stream, fields)  # type: ignore[arg-type]
                    if not self.wait or int(client.wait(1, 1000)) >= 1:  # type: ignore[arg-type]
                        break
                except FAULTS:
                    self.retries += 1
                    self.halt.wait(0.02)
            self.sent.setdefault(sensor, []).append(value)


def _hashes(client: Any, settings: Settings) -> dict[str, dict[bytes, bytes]]:
    keys = partition_keys(settings)
    found = {}
    for n in range(24):
        sensor = f"s{n}"
        found[sensor] = client.hgetall(keys[partition_of(sensor, len(keys))].stats(sensor))
    return found


def _assert_exact(settings: Settings, sent: dict[str, list[float]]) -> None:
    client = connect(settings)

    def all_there() -> bool:
        try:
            got = _hashes(client, settings)
        except FAULTS:
            return False
        return all(int(got[s].get(b"count", 0)) >= len(values) for s, values in sent.items())

    until(all_there)
    got = _hashes(client, settings)
    for sensor, values in sent.items():
        want = exact_figures(values)
        assert {k: float(got[sensor][k.encode()]) for k in want} == want, sensor
    client.close()


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_failover_under_load_loses_nothing_that_a_replica_had(
    server: EmbeddedServer, tmp_path: Path
) -> None:
    """The master is killed under load: what WAIT said a replica has is counted, once, exactly."""
    with sentinels(server.binary, tmp_path) as group, ExitStack() as stack:
        settings = Settings(redis_url=group.url)
        for _ in range(2):
            stack.enter_context(running(server, "process", redis_url=group.url))
        producer = Producer(settings, wait=True)
        producer.start()
        try:
            until(lambda: sum(map(len, list(producer.sent.values()))) > 500)
            with connect(settings) as client:
                until(lambda: _total(client, "stats:*") > 0)
            old = group.master()
            old.kill()
            until(lambda: group.master() is not old, 60)
            before = sum(map(len, list(producer.sent.values())))
            until(lambda: sum(map(len, list(producer.sent.values()))) > before + 500, 60)
        finally:
            producer.halt.set()
            producer.join(60)
        assert producer.retries > 0
        _assert_exact(settings, producer.sent)


def _migrate(made: Cluster, slot: int, target: int, *, at_once: bool) -> None:
    """Move a slot and its keys to another node, all keys in one MIGRATE or one by one."""
    source = made.owner(slot)
    with made.node(source) as here, made.node(target) as there:
        there.execute_command("CLUSTER SETSLOT", slot, "IMPORTING", made.node_id(source))
        here.execute_command("CLUSTER SETSLOT", slot, "MIGRATING", made.node_id(target))
        address = ("127.0.0.1", made.servers[target].port)
        while True:
            keys = here.execute_command("CLUSTER GETKEYSINSLOT", slot, 10_000 if at_once else 1)
            if not keys:
                break
            here.execute_command("MIGRATE", *address, "", 0, 5000, "REPLACE", "KEYS", *keys)
        for client in (there, here):
            client.execute_command("CLUSTER SETSLOT", slot, "NODE", made.node_id(target))


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize("at_once", [True, False], ids=["at-once", "key-by-key"])
def test_slots_that_move_under_load_lose_and_repeat_nothing(
    server: EmbeddedServer, *, at_once: bool
) -> None:
    """A 3-node Cluster with 8 partitions: slots go round the nodes under load, figures exact."""
    with cluster(server.binary) as made, ExitStack() as stack:
        settings = Settings(redis_url=made.url, partitions=8)
        more = {"redis_url": made.url, "partitions": "8"}
        workers = [stack.enter_context(running(server, "process", **more)) for _ in range(2)]
        producer = Producer(settings, wait=False)
        producer.start()
        try:
            until(lambda: sum(map(len, list(producer.sent.values()))) > 500)
            for keys in partition_keys(settings):
                slot = key_slot(keys.readings.encode())
                before = sum(map(len, list(producer.sent.values())))
                _migrate(made, slot, (made.owner(slot) + 1) % 3, at_once=at_once)
                until(lambda b=before: sum(map(len, list(producer.sent.values()))) > b + 100)
        finally:
            producer.halt.set()
            producer.join(60)
        _assert_exact(settings, producer.sent)
        assert all(worker.poll() is None for worker in workers)


@contextmanager
def served_cluster(server: EmbeddedServer) -> Iterator[tuple[Cluster, Any]]:
    """Run a Cluster of 8 partitions with a worker and an API; give it and the API."""
    with cluster(server.binary) as made:
        more = {"redis_url": made.url, "partitions": "8"}
        with running(server, "process", **more), serving(server, **more) as api:
            yield made, api


def post(api: Any, sensor: str, value: float) -> None:
    reading = {"sensor": sensor, "value": value}
    assert httpx.post(f"{api.url}/api/readings", json=reading, timeout=60).is_success


@pytest.mark.slow
def test_every_route_answers_on_a_cluster(server: EmbeddedServer) -> None:
    """A reading posted to an API on a Cluster is folded, and each route that reads answers."""
    with served_cluster(server) as (_, api):
        for n in range(12):
            post(api, f"s{n}", n)
        until(lambda: len(api.get("/api/sensors").json()["items"]) == 12)
        for path in ("sensors/s3", "sensors/s3/windows", "sensors/s3?over=1h", "summary", "alerts"):
            answer = api.get(f"/api/{path}")
            assert answer.is_success, (path, answer.text)
        for path in ("/api/rules", "/api/inspect?sensor=s3", "/readyz", "/metrics"):
            assert api.get(path).is_success, path


@pytest.mark.slow
def test_every_command_that_looks_answers_on_a_cluster(server: EmbeddedServer) -> None:
    """On a Cluster of 8 partitions verify finds every field exact, and the others answer too."""
    with cluster(server.binary) as made:
        settings = Settings(redis_url=made.url, partitions=8)
        more = {"redis_url": made.url, "partitions": "8"}
        with running(server, "process", **more):
            with running(server, "simulate", "--count", "500", "--rate", "max", **more) as producer:
                assert producer.wait(60) == 0
            with connect(settings) as client:
                until(lambda: _folded(client, settings) == 500)
        assert "Every field is exact" in said_by_looks(server, **more)["verify"]


@pytest.mark.slow
def test_a_producer_waits_out_a_cluster_that_is_down(server: EmbeddedServer) -> None:
    """Where slots are served by nobody readings are kept in hand, and sent once they are again."""
    with cluster(server.binary) as made:
        settings = Settings(redis_url=made.url, partitions=8)
        with closing(Writer(settings)) as writer, made.node(0) as node:
            node.execute_command("CLUSTER", "DELSLOTSRANGE", 0, 5460)
            until(lambda: node.execute_command("CLUSTER INFO")["cluster_state"] == "fail")
            for n in range(50):
                writer.add(Reading(f"s{n}", 1.0))
            sending = threading.Thread(target=writer.flush)
            with capture_logs() as logs:
                sending.start()
                until(lambda: any(one["event"] == "redis_lost" for one in logs))
                node.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 5460)
                sending.join(60)
        assert not sending.is_alive()
        assert writer.sent == 50
        with connect(settings) as client:
            assert sum(client.xlen(keys.readings) for keys in partition_keys(settings)) == 50


def _folded(client: Any, settings: Settings) -> int:
    return sum(
        int(client.hget(name, "count") or 0)
        for keys in partition_keys(settings)
        for name in client.scan_iter(f"{keys.stats('')}*")
    )


async def test_both_clients_work_through_a_cluster_and_sentinels(
    server: EmbeddedServer, tmp_path: Path
) -> None:
    """Blocking and asyncio clients reach keys of every partition, and the Sentinels' master."""
    with cluster(server.binary) as made:
        settings = Settings(redis_url=made.url, partitions=8)
        other = connect_async(settings)
        with connect(settings) as client:
            for keys in partition_keys(settings):
                client.xadd(keys.readings, {"sensor": "s", "value": "1"})
                assert await other.xread({keys.readings: "0"}, count=1)
        await other.aclose()
    with sentinels(server.binary, tmp_path) as group:
        settings = Settings(redis_url=group.url)
        with connect(settings) as client:
            client.set("a", "b")
        async with connect_async(settings) as other:
            assert await other.get("a") == b"b"
        pool: Any = other.connection_pool
        for sentinel in pool.sentinel_manager.sentinels:
            await sentinel.aclose()


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_an_api_outlives_the_death_of_a_whole_cluster(server: EmbeddedServer) -> None:
    """All nodes are killed at once, again and again: the same process serves when they are back."""
    with served_cluster(server) as (made, api):
        for n in range(5):
            until(lambda: answers(api.url + "/readyz"), 60)
            post(api, f"s{n}", n)
            until(lambda n=n: len(api.get("/api/sensors").json()["items"]) == n + 1)
            for one in made.servers:
                one.kill()
            until(lambda: not answers(api.url + "/readyz"))
            for one in made.servers:
                one.start()
        until(lambda: answers(api.url + "/readyz"), 60)
        assert api.process.poll() is None
