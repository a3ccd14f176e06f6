"""`rillet doctor`: looks at the server as Rillet needs it, and says what mends each finding.

Only reads. Each check is one function of the clients that returns findings; a check that the
ACL forbids says so, rather than passing.
"""

import re
import shlex
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Annotated, Any

import typer
from redis.exceptions import NoPermissionError, ResponseError

from rillet import terminal
from rillet.address import parse_address
from rillet.connect import FAULTS, connect
from rillet.console import tables
from rillet.embedded import MINIMUM
from rillet.environment import load_settings
from rillet.finding import Finding, Level, Patient, ok, one
from rillet.groups import check_groups
from rillet.orphans import check_alerts
from rillet.reachable import check_reachable
from rillet.rights import check_rights
from rillet.settings import Settings
from rillet.unused import check_environment, check_settings

CLOCK_SKEW_WARNING_MS = 1000
LATE_REPLICA_S = 10


def check_version(patient: Patient) -> Iterator[Finding]:
    """Ask for Redis 7.0 or Valkey 7.2, or newer."""
    kind = "valkey" if "valkey_version" in patient.info else "redis"
    version = str(patient.info[f"{kind}_version"])
    found = tuple(int(part) for part in version.split(".")[:2])
    least = ".".join(map(str, MINIMUM[kind]))
    if found < MINIMUM[kind]:
        mend = f"apt-get install --only-upgrade {kind}-server  (to {least} or newer)"
        yield Finding("error", "version", f"{kind} {version} is too old", mend)
    else:
        yield ok("version", f"{kind} {version}")


def check_persistence(patient: Patient) -> Iterator[Finding]:
    """Look whether the append-only file is on and its last write went well."""
    if not patient.info.get("aof_enabled"):
        mend = "redis-cli CONFIG SET appendonly yes  (and in its redis.conf, for the next start)"
        said = "no append-only file: a restart loses what came since the last snapshot"
        yield Finding("warning", "persistence", said, mend)
    elif patient.info.get("aof_last_write_status", "ok") != "ok":
        said = "the last write of the append-only file failed"
        mend = "redis-cli CONFIG GET dir  (then make room there: df -h)"
        yield Finding("error", "persistence", said, mend)
    else:
        yield ok("persistence", "append-only file on")


def check_memory(patient: Patient) -> Iterator[Finding]:
    """Look for a policy that evicts state, and for room."""
    policy = str(patient.info.get("maxmemory_policy", "noeviction"))
    limit, used = int(patient.info.get("maxmemory", 0)), int(patient.info.get("used_memory", 0))
    if policy.startswith("allkeys"):
        said = f"maxmemory-policy {policy} may evict the statistics themselves"
        mend = "redis-cli CONFIG SET maxmemory-policy noeviction"
        yield Finding("error", "memory", said, mend)
    elif limit and used > 0.9 * limit:
        full = used > limit
        said = f"{used:,} of {limit:,} bytes used: {'' if full else 'soon '}readings are refused"
        mend = f"redis-cli CONFIG SET maxmemory {2 * max(limit, used)}"
        mend += "  (where the machine or container has twice that; rillet forget frees some)"
        yield Finding("error" if full else "warning", "memory", said, mend)
    else:
        yield ok("memory", f"{policy}, {used:,} bytes used")


def check_clock(patient: Patient) -> Iterator[Finding]:
    """Compare the clocks: ids and default times are the server's."""
    before_ms = time.time() * 1000
    seconds, micros = one(patient.client.time())
    after_ms = time.time() * 1000
    skew_ms = int(seconds) * 1000 + int(micros) / 1000 - (before_ms + after_ms) / 2
    uncertain_ms = (after_ms - before_ms) / 2
    if abs(skew_ms) > CLOCK_SKEW_WARNING_MS + uncertain_ms:
        bad = abs(skew_ms) > patient.settings.future_skew_ms
        said = f"the server's clock is {skew_ms:+,.0f} ms from this machine's"
        mend = "timedatectl set-ntp true  (on both machines)"
        yield Finding("error" if bad else "warning", "clock", said, mend)
    else:
        yield ok("clock", f"within {abs(skew_ms) + uncertain_ms:.0f} ms of the server's")


def check_replicas(patient: Patient) -> Iterator[Finding]:
    """Look whether replicas acknowledge; a replica itself is no place to fold."""
    info = patient.info
    if info.get("role") == "slave":
        said = "this is a replica: it refuses writes"
        mend = f"export RILLET_REDIS_URL=redis://{info['master_host']}:{info['master_port']}/0"
        yield Finding("error", "replicas", said, mend)
        return
    number = int(info.get("connected_slaves", 0))
    if info.get("min_slaves_good_slaves") == 0:  # told only where a number of them is asked for
        said = "min-replicas-to-write asks for replicas and none is in time: writes are refused"
        mend = "redis-cli CONFIG SET min-replicas-to-write 0  (or start the replicas)"
        yield Finding("error", "replicas", said, mend)
        return
    late = 0
    for replica in (info[f"slave{i}"] for i in range(number)):
        if replica["state"] != "online" or int(replica.get("lag", 0)) > LATE_REPLICA_S:
            late += 1
            where = f"{replica['ip']}:{replica['port']}"
            said = f"the replica {where} has acknowledged nothing for {LATE_REPLICA_S} s"
            mend = f"redis-cli -h {replica['ip']} -p {replica['port']} INFO replication"
            yield Finding("warning", "replicas", said, mend)
    if not late:
        yield ok("replicas", f"{number} connected, all acknowledge" if number else "none")


CHECKS: tuple[Callable[[Patient], Iterator[Finding]], ...] = (
    check_version,
    check_persistence,
    check_memory,
    check_clock,
    check_groups,
    check_environment,
    check_settings,
    check_alerts,
    check_rights,
    check_replicas,
)


PER_NODE = (check_version, check_persistence, check_memory, check_replicas)
"""What is looked at on every primary of a Cluster."""


def examine(settings: Settings) -> list[Finding]:
    """Return the findings of every check; raise UserError if no server can be reached."""
    check_reachable(settings)
    with connect(settings) as client:
        findings, checks = [], CHECKS
        for node, ask in _nodes(client):
            try:
                patient = Patient(client, settings, ask())
            except FAULTS as error:
                findings.append(_unanswered(node, error))
                continue
            for check in checks:
                findings += [replace(found, node=node) for found in _run(check, patient)]
            checks = PER_NODE
        return findings


def _nodes(client: Any) -> list[tuple[tuple[str, int] | None, Callable[[], dict[str, Any]]]]:
    """Return what asks for INFO: of the server, or of each primary of a Cluster, with its name."""
    if hasattr(client, "get_primaries"):
        return [
            ((node.host, node.port), partial(client.info, target_nodes=node))
            for node in client.get_primaries()
        ]
    pool = client.connection_pool
    if hasattr(pool, "get_master_address"):
        return [(pool.get_master_address(), client.info)]
    return [(None, client.info)]


def _unanswered(node: tuple[str, int] | None, error: Exception) -> Finding:
    said = f"it does not answer INFO: {_first_line(error)}"
    return Finding(
        "error", "server", said, "redis-cli PING  (start it, or let this user ask)", node
    )


def _run(check: Callable[[Patient], Iterator[Finding]], patient: Patient) -> list[Finding]:
    name = check.__name__.removeprefix("check_")
    try:
        return list(check(patient))
    except FAULTS as error:
        level, mend = _unlooked(error)
        return [Finding(level, name, f"could not look: {_first_line(error)}", mend)]


def _unlooked(error: Exception) -> tuple[Level, str]:
    """Return how bad it is that a check could not look, and what mends that."""
    if isinstance(error, NoPermissionError):
        return "warning", "use the user `reader`"
    if isinstance(error, ResponseError):
        mend = "another key may be it: docs/redis-layout.md has the types"
        return "error", f"redis-cli TYPE readings  ({mend})"
    return "error", "redis-cli PING  (and start what does not answer)"


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _addressed(finding: Finding, settings: Settings) -> str:
    """Return the finding's command with the options that lead redis-cli to its server.

    Where there are users it is the admin's to run: those of the processes may not.
    """
    if settings.redis_username or parse_address(settings.redis_url.get_secret_value()).username:
        settings = settings.model_copy(update={"redis_username": "admin"})
    line = shlex.join(terminal.redis_cli(settings, finding.node))
    return re.sub(r"redis-cli(?= (?:[A-Z]|--scan))", lambda _: line, finding.mend)


def doctor(
    quiet: Annotated[bool, typer.Option("--quiet", help="Show only what needs mending.")] = False,
) -> None:
    """Look at the server as Rillet needs it; say what is wrong and the command that mends it.

    Exit status: 0 all is well, 1 warnings, 2 it cannot be reached or would lose data.
    """
    settings = load_settings()
    findings = examine(settings)
    console = tables()
    marks = {"ok": "[green]ok[/]     ", "warning": "[yellow]warning[/]", "error": "[red]error[/]  "}
    for finding in findings:
        if finding.level == "ok" and quiet:
            continue
        where = "{}:{} ".format(*finding.node) if finding.node else ""
        console.print(f"{marks[finding.level]} {where}{finding.check}: ", end="", soft_wrap=True)
        console.print(finding.said, soft_wrap=True, markup=False)
        if finding.mend:
            mend = _addressed(finding, settings)
            console.print(f"          mend: {mend}", soft_wrap=True, markup=False)
    levels = {finding.level for finding in findings}
    raise typer.Exit(2 if "error" in levels else 1 if "warning" in levels else 0)
