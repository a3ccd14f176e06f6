"""`rillet doctor`: looks at the server as Rillet needs it, and says what mends each finding.

Only reads. Each check is one function of the clients that returns findings; a check that the
ACL forbids says so, rather than passing.
"""

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import typer
from redis.exceptions import NoPermissionError
from rich.console import Console

from rillet.connect import check_reachable, connect
from rillet.embedded import MINIMUM
from rillet.keys import GROUP, Keys, partition_keys
from rillet.settings import Settings, load_settings

Level = Literal["ok", "warning", "error"]

CLOCK_SKEW_WARNING_MS = 1000
FORGOTTEN_LAG = 100_000
LATE_REPLICA_S = 10


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, how bad it is, and the command that mends it (empty where all is well)."""

    level: Level
    check: str
    said: str
    mend: str = ""


@dataclass(frozen=True, slots=True)
class Patient:
    """The client and what every check asks about: INFO of one node, and the settings."""

    client: Any
    settings: Settings
    info: dict[str, Any]


def _one(answer: Any) -> Any:
    """Return the first node's answer, where a Cluster gives each node's by its name."""
    return (
        next(iter(answer.values()))
        if isinstance(answer, dict) and ":" in next(iter(answer))
        else answer
    )


def _ok(check: str, said: str) -> Finding:
    return Finding("ok", check, said)


def check_version(patient: Patient) -> Iterator[Finding]:
    """Ask for Redis 7.0 or Valkey 7.2, or newer."""
    kind = "valkey" if "valkey_version" in patient.info else "redis"
    version = str(patient.info[f"{kind}_version"])
    found = tuple(int(part) for part in version.split(".")[:2])
    least = ".".join(map(str, MINIMUM[kind]))
    if found < MINIMUM[kind]:
        yield Finding("error", "version", f"{kind} {version} is too old", f"install {least}+")
    else:
        yield _ok("version", f"{kind} {version}")


def check_persistence(patient: Patient) -> Iterator[Finding]:
    """Look whether the append-only file is on and its last write went well."""
    if not patient.info.get("aof_enabled"):
        mend = "redis-cli CONFIG SET appendonly yes; then appendonly yes in redis.conf"
        said = "no append-only file: a restart loses what came since the last snapshot"
        yield Finding("warning", "persistence", said, mend)
    elif patient.info.get("aof_last_write_status", "ok") != "ok":
        said = "the last write of the append-only file failed"
        yield Finding("error", "persistence", said, "df -h the data folder; free disk space")
    else:
        yield _ok("persistence", "append-only file on")


def check_memory(patient: Patient) -> Iterator[Finding]:
    """Look for a policy that evicts state, and for room."""
    policy = str(patient.info.get("maxmemory_policy", "noeviction"))
    limit, used = int(patient.info.get("maxmemory", 0)), int(patient.info.get("used_memory", 0))
    if policy.startswith("allkeys"):
        said = f"maxmemory-policy {policy} may evict the statistics themselves"
        mend = "redis-cli CONFIG SET maxmemory-policy noeviction"
        yield Finding("error", "memory", said, mend)
    elif limit and used > 0.9 * limit:
        said = f"{used:,} of {limit:,} bytes used: soon readings will be refused"
        yield Finding("warning", "memory", said, f"redis-cli CONFIG SET maxmemory {2 * limit}")
    else:
        yield _ok("memory", f"{policy}, {used:,} bytes used")


def check_clock(patient: Patient) -> Iterator[Finding]:
    """Compare the clocks: ids and default times are the server's."""
    before_ms = time.time() * 1000
    seconds, micros = _one(patient.client.time())
    after_ms = time.time() * 1000
    skew_ms = int(seconds) * 1000 + int(micros) / 1000 - (before_ms + after_ms) / 2
    uncertain_ms = (after_ms - before_ms) / 2
    if abs(skew_ms) > CLOCK_SKEW_WARNING_MS + uncertain_ms:
        bad = abs(skew_ms) > patient.settings.future_skew_ms
        said = f"the server's clock is {skew_ms:+,.0f} ms from this machine's"
        mend = "timedatectl set-ntp true  (on both machines)"
        yield Finding("error" if bad else "warning", "clock", said, mend)
    else:
        yield _ok("clock", f"within {abs(skew_ms) + uncertain_ms:.0f} ms of the server's")


def check_groups(patient: Patient) -> Iterator[Finding]:
    """Look whether the fold keeps up, and no forgotten group holds readings back."""
    for keys in partition_keys(patient.settings):
        yield from _groups_of(patient, keys)


def _groups_of(patient: Patient, keys: Keys) -> Iterator[Finding]:
    stream = keys.readings
    if not patient.client.exists(stream):
        yield _ok("groups", f"{stream}: no readings yet")
        return
    groups = {g["name"].decode(): g for g in patient.client.xinfo_groups(stream)}
    ours = groups.pop(GROUP, None)
    lag = ours.get("lag") if ours else None
    if ours is None:
        said = f"{stream}: readings, but nothing folds them"
        yield Finding("error", "groups", said, "rillet process")
    elif lag is not None and lag > patient.settings.backlog_max:
        said = f"{stream}: {lag:,} readings behind"
        yield Finding("warning", "lag", said, "start more: rillet process, or add partitions")
    else:
        yield _ok("groups", f"{stream}: {lag} readings behind")
    for name, group in groups.items():
        if group["pending"] or (group.get("lag") or 0) > FORGOTTEN_LAG:
            said = f"{stream}: group {name} has {group['pending']} pending, lag {group.get('lag')}"
            mend = f"redis-cli XGROUP DESTROY '{stream}' '{name}'  (if it is forgotten)"
            yield Finding("warning", "forgotten group", f"{said}: readings are kept for it", mend)


NEEDS = (
    ("EVALSHA", "0" * 40, "1", "{readings}"),
    ("XADD", "{results}", "*", "f", "v"),
    ("HSET", "{state}", "f", "v"),
    ("HSET", "{stats}x", "f", "v"),
    ("XGROUP", "SETID", "{readings}", GROUP, "0"),
    ("XTRIM", "{readings}", "MAXLEN", "1"),
)
"""Commands of which a processor's user needs the right, tried with ACL DRYRUN alone."""


def check_rights(patient: Patient) -> Iterator[Finding]:
    """Try what a processor does, and whether `default` is open to all."""
    try:
        user = _one(patient.client.execute_command("ACL", "WHOAMI"))
        user = user.decode() if isinstance(user, bytes) else user
        if user == "default" and not patient.settings.redis_password_file:
            details = _one(patient.client.acl_getuser("default"))
            if "nopass" in details["flags"]:
                mend = "redis-server --aclfile users.acl  (k8s/base/redis/users.acl is one)"
                yield Finding("warning", "rights", "anyone may log in, without password", mend)
        yield from _dry_runs(patient, user)
    except NoPermissionError:
        yield _ok("rights", "this user may not ask about rights: least privilege is in force")


def _dry_runs(patient: Patient, user: str) -> Iterator[Finding]:
    keys = partition_keys(patient.settings)[0]
    names = {
        "readings": keys.readings,
        "results": keys.results,
        "state": keys.state,
        "stats": keys.stats_prefix,
    }
    denied = []
    for need in NEEDS:
        command = [names[p[1:-1]] if p[:1] == "{" and p[-1] == "}" else p for p in need]
        command = [p.replace("{stats}", names["stats"]) for p in command]
        answer = _one(patient.client.execute_command("ACL", "DRYRUN", user, *command))
        if answer not in (b"OK", "OK", True):
            denied.append(need[0])
    if len(denied) == len(NEEDS):
        yield _ok("rights", f"user {user} has none of a processor's rights")
    elif denied:
        said = f"user {user} may not {', '.join(denied)}: it cannot run `rillet process`"
        yield Finding("warning", "rights", said, f"redis-cli ACL SETUSER {user} ...: users.acl")
    else:
        yield _ok("rights", f"user {user} may do what a processor needs")


def check_replicas(patient: Patient) -> Iterator[Finding]:
    """Look whether replicas acknowledge; a replica itself is no place to fold."""
    if patient.info.get("role") == "slave":
        said = "this is a replica: it refuses writes"
        yield Finding("error", "replicas", said, "set RILLET_REDIS_URL to redis+sentinel://...")
        return
    number = int(patient.info.get("connected_slaves", 0))
    late = 0
    for i in range(number):
        replica = patient.info[f"slave{i}"]
        late += replica["state"] != "online" or int(replica.get("lag", 0)) > LATE_REPLICA_S
    if late:
        said = f"{late} of {number} replicas have not acknowledged for {LATE_REPLICA_S} s"
        yield Finding("warning", "replicas", said, "redis-cli -h <replica> INFO replication")
    else:
        yield _ok("replicas", f"{number} connected, all acknowledge" if number else "none")


CHECKS: tuple[Callable[[Patient], Iterator[Finding]], ...] = (
    check_version,
    check_persistence,
    check_memory,
    check_clock,
    check_groups,
    check_rights,
    check_replicas,
)


def examine(settings: Settings) -> list[Finding]:
    """Return the findings of every check; raise UserError if the server cannot be reached."""
    check_reachable(settings)
    with connect(settings) as client:
        findings = []
        for number, info in enumerate(_infos(client)):
            patient = Patient(client, settings, info)
            per_node = (check_version, check_persistence, check_memory, check_replicas)
            for check in CHECKS if number == 0 else per_node:
                findings += _run(check, patient)
        return findings


def _infos(client: Any) -> list[dict[str, Any]]:
    """Return INFO of the server, or of each primary of a Cluster."""
    if hasattr(client, "get_primaries"):
        return [client.info(target_nodes=node) for node in client.get_primaries()]
    return [client.info()]


def _run(check: Callable[[Patient], Iterator[Finding]], patient: Patient) -> list[Finding]:
    name = check.__name__.removeprefix("check_")
    try:
        return list(check(patient))
    except NoPermissionError as error:
        return [Finding("warning", name, f"could not look: {error}", "use the user `reader`")]


def doctor(
    quiet: Annotated[bool, typer.Option("--quiet", help="Show only what needs mending.")] = False,
) -> None:
    """Look at the server as Rillet needs it; say what is wrong and the command that mends it.

    Exit status: 0 all is well, 1 warnings, 2 it cannot be reached or would lose data.
    """
    settings = load_settings()
    findings = examine(settings)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 200)
    marks = {"ok": "[green]ok[/]     ", "warning": "[yellow]warning[/]", "error": "[red]error[/]  "}
    for finding in findings:
        if finding.level == "ok" and quiet:
            continue
        console.print(f"{marks[finding.level]} {finding.check}: {finding.said}", soft_wrap=True)
        if finding.mend:
            console.print(f"          mend: {finding.mend}", soft_wrap=True, markup=False)
    levels = {finding.level for finding in findings}
    raise typer.Exit(2 if "error" in levels else 1 if "warning" in levels else 0)
