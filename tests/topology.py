"""Real servers in the forms that Rillet connects to: TLS, three Sentinels, a Cluster."""

import datetime as dt
import ipaddress
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from rillet.embedded import EmbeddedServer, free_port
from tests.waiting import until


def make_certificates(folder: Path, address: str = "127.0.0.1") -> Path:
    """Make a certificate authority and a certificate for an IP address; return the folder.

    Files: ca.pem, server.pem, server.key.
    """
    now = dt.datetime.now(dt.UTC)
    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Rillet test CA")])

    def certificate(name: x509.Name, public: Any, *more: tuple[Any, bool]) -> x509.Certificate:
        builder = x509.CertificateBuilder(ca_name, name, public, x509.random_serial_number())
        builder = builder.not_valid_before(now - dt.timedelta(hours=1))
        builder = builder.not_valid_after(now + dt.timedelta(days=1))
        for extension, critical in more:
            builder = builder.add_extension(extension, critical)
        return builder.sign(ca_key, hashes.SHA256())

    is_ca = (x509.BasicConstraints(ca=True, path_length=0), True)
    signs = x509.KeyUsage(*([False] * 5), True, True, False, False)
    ca = certificate(ca_name, ca_key.public_key(), is_ca, (signs, True))
    host = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "redis")])
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    server = certificate(name, key.public_key(), (host, False), (issuer, False))
    pem = serialization.Encoding.PEM
    (folder / "ca.pem").write_bytes(ca.public_bytes(pem))
    (folder / "server.pem").write_bytes(server.public_bytes(pem))
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "server.key").write_bytes(private)
    return folder


@dataclass
class Sentinels:
    """A master, two replicas and three Sentinels on loopback ports."""

    servers: list[EmbeddedServer]
    ports: list[int]

    @property
    def url(self) -> str:
        """The address for RILLET_REDIS_URL."""
        hosts = ",".join(f"127.0.0.1:{port}" for port in self.ports)
        return f"redis+sentinel://{hosts}/mymaster/0"

    def master(self) -> EmbeddedServer:
        """Return the server that the Sentinels name now."""
        with redis.Redis(port=self.ports[0]) as client:
            _, port = client.sentinel_get_master_addr_by_name("mymaster")  # type: ignore[no-untyped-call]
        return next(s for s in self.servers if s.port == int(port))


@contextmanager
def sentinels(binary: str, folder: Path) -> Iterator[Sentinels]:
    """Start them all; return once each Sentinel knows the others and both replicas."""
    with ExitStack() as stack:
        options = {"appendonly": "yes", "repl_diskless_sync_delay": "0"}
        master = stack.enter_context(EmbeddedServer(binary=binary, **options))
        options["replicaof"] = f"127.0.0.1 {master.port}"
        replicas = [stack.enter_context(EmbeddedServer(binary=binary, **options)) for _ in "12"]
        ports = [free_port() for _ in "123"]
        for port in ports:
            stack.callback(_end, _start_sentinel(binary, folder, port, master.port))
        until(lambda: all(_sees_all(port) for port in ports))
        yield Sentinels([master, *replicas], ports)


def _start_sentinel(binary: str, folder: Path, port: int, master: int) -> "subprocess.Popen[bytes]":
    home = folder / f"sentinel-{port}"
    home.mkdir()
    conf = home / "sentinel.conf"
    conf.write_text(
        f"port {port}\nbind 127.0.0.1\ndir {home}\nlogfile {home}/log\n"
        f"sentinel monitor mymaster 127.0.0.1 {master} 2\n"
        "sentinel down-after-milliseconds mymaster 500\n"
        "sentinel failover-timeout mymaster 5000\n"
    )
    return subprocess.Popen([binary, str(conf), "--sentinel"], stdout=subprocess.DEVNULL)


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait()


def _sees_all(port: int) -> bool:
    try:
        with redis.Redis(port=port, protocol=2) as client:
            seen: Any = client.sentinel_master("mymaster")  # type: ignore[no-untyped-call]
    except redis.RedisError:
        return False
    return bool(seen["num-slaves"] == 2 and seen["num-other-sentinels"] == 2)


@dataclass
class Cluster:
    """Three primaries on loopback ports, all 16384 slots among them."""

    servers: list[EmbeddedServer]

    @property
    def url(self) -> str:
        """The address for RILLET_REDIS_URL."""
        return "redis+cluster://" + ",".join(f"127.0.0.1:{s.port}" for s in self.servers)

    def node(self, index: int) -> redis.Redis:
        """Return a client of one node alone."""
        return redis.Redis(port=self.servers[index].port, protocol=2)

    def owner(self, slot: int) -> int:
        """Return the index of the node that serves a slot."""
        with self.node(0) as client:
            for first, last, (_, port, *_), *_ in client.execute_command("CLUSTER SLOTS"):
                if first <= slot <= last:
                    return [s.port for s in self.servers].index(port)
        raise LookupError(slot)

    def node_id(self, index: int) -> str:
        """Return a node's id in the Cluster."""
        with self.node(index) as client:
            found: bytes = client.execute_command("CLUSTER MYID")
            return found.decode()


def cluster_port() -> int:
    """Return a free port whose bus port, 10000 above, is valid and free too."""
    while True:
        port = free_port()
        if port < 50_000:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port + 10_000)):
                    return port


@contextmanager
def cluster(binary: str) -> Iterator[Cluster]:
    """Start three nodes and return when they agree that the Cluster is well."""
    with ExitStack() as stack:
        servers = []
        for _ in range(3):
            server = EmbeddedServer(
                binary=binary, appendonly="yes", cluster_enabled="yes", cluster_node_timeout="2000"
            )
            server.port = cluster_port()
            servers.append(stack.enter_context(server))
        made = Cluster(servers)
        bounds = [0, 5461, 10923, 16384]
        for i in range(3):
            with made.node(i) as client:
                client.execute_command("CLUSTER", "ADDSLOTSRANGE", bounds[i], bounds[i + 1] - 1)
                client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", i + 1)
                if i:
                    client.execute_command("CLUSTER", "MEET", "127.0.0.1", servers[0].port)

        def well() -> bool:
            for i in range(3):
                with made.node(i) as client:
                    info = client.execute_command("CLUSTER INFO")
                    text = info if isinstance(info, dict) else {}
                    if text.get("cluster_state") != "ok" or text["cluster_known_nodes"] != "3":
                        return False
            return True

        until(well)
        yield made
