"""The doctor's look at the rights of this user; asks by ACL DRYRUN and writes nothing."""

import shlex
from collections.abc import Iterable, Iterator

from redis.exceptions import NoPermissionError

from rillet.finding import Finding, Patient, ok, one
from rillet.keys import GROUP, WEBHOOK_GROUP, Keys, partition_keys

READS = (
    ("time", "", "TIME"),
    ("exists", "{readings}", "EXISTS", "{readings}"),
    ("xread", "{readings}", "XREAD", "STREAMS", "{readings}", "0"),
    ("xrange", "{readings}", "XRANGE", "{readings}", "-", "+"),
    ("xinfo|stream", "{readings}", "XINFO", "STREAM", "{readings}"),
    ("xinfo|groups", "{readings}", "XINFO", "GROUPS", "{readings}"),
    ("xpending", "{readings}", "XPENDING", "{readings}", GROUP),
    ("hget", "{state}", "HGET", "{state}", "f"),
    ("hmget", "{state}", "HMGET", "{state}", "f"),
    ("hscan", "{state}", "HSCAN", "{state}", "0"),
    ("xrevrange", "{rejects}", "XREVRANGE", "{rejects}", "+", "-"),
    ("get", "{rules}", "GET", "{rules}"),
    ("exists", "{firing}", "EXISTS", "{firing}"),
    ("lindex", "{panes}*", "LINDEX", "{panes}x", "0"),
    ("lrange", "{panes}*", "LRANGE", "{panes}x", "0", "0"),
    ("zrangebyscore", "{due}", "ZRANGEBYSCORE", "{due}", "0", "1"),
)
"""What a processor's user must read: the right, its keys, a command to try by ACL DRYRUN alone."""

WRITES = (
    ("evalsha", "{readings}", "EVALSHA", "0" * 40, "1", "{readings}"),
    ("eval", "{readings}", "EVAL", "", "1", "{readings}"),
    ("xgroup|create", "{readings}", "XGROUP", "CREATE", "{readings}", GROUP, "0"),
    ("xgroup|setid", "{readings}", "XGROUP", "SETID", "{readings}", GROUP, "0"),
    ("xtrim", "{readings}", "XTRIM", "{readings}", "MAXLEN", "1"),
    ("hset", "{state}", "HSET", "{state}", "f", "v"),
    ("hdel", "{state}", "HDEL", "{state}", "f"),
    ("hset", "{stats}*", "HSET", "{stats}x", "f", "v"),
    ("del", "{stats}*", "DEL", "{stats}x"),
    ("xadd", "{results}", "XADD", "{results}", "*", "f", "v"),
    ("xtrim", "{results}", "XTRIM", "{results}", "MAXLEN", "1"),
    ("xadd", "{rejects}", "XADD", "{rejects}", "*", "f", "v"),
    ("xadd", "{alerts}", "XADD", "{alerts}", "*", "f", "v"),
    ("xadd", "{late}", "XADD", "{late}", "*", "f", "v"),
    ("xadd", "{windows}*", "XADD", "{windows}x", "*", "f", "v"),
    ("hset", "{firing}", "HSET", "{firing}", "f", "v"),
    ("hdel", "{firing}", "HDEL", "{firing}", "f"),
    ("set", "{rules}", "SET", "{rules}", "v"),
    ("rpush", "{panes}*", "RPUSH", "{panes}x", "v"),
    ("ltrim", "{panes}*", "LTRIM", "{panes}x", "0", "1"),
    ("del", "{panes}*", "DEL", "{panes}x"),
    ("zadd", "{due}", "ZADD", "{due}", "1", "x"),
    ("zrem", "{due}", "ZREM", "{due}", "x"),
)
"""What it must write."""

WEBHOOK = (
    ("eval", "{alerts}", "EVAL", "", "1", "{alerts}"),
    ("exists", "{alerts}", "EXISTS", "{alerts}"),
    ("xread", "{alerts}", "XREAD", "STREAMS", "{alerts}", "0"),
    ("xinfo|stream", "{alerts}", "XINFO", "STREAM", "{alerts}"),
    ("xinfo|groups", "{alerts}", "XINFO", "GROUPS", "{alerts}"),
    ("xgroup|create", "{alerts}", "XGROUP", "CREATE", "{alerts}", WEBHOOK_GROUP, "0"),
    ("xgroup|setid", "{alerts}", "XGROUP", "SETID", "{alerts}", WEBHOOK_GROUP, "0"),
    (
        "xreadgroup",
        "{alerts}",
        *("XREADGROUP", "GROUP", WEBHOOK_GROUP, "me", "STREAMS", "{alerts}", ">"),
    ),
    ("xack", "{alerts}", "XACK", "{alerts}", WEBHOOK_GROUP, "0-1"),
    ("xclaim", "{alerts}", "XCLAIM", "{alerts}", WEBHOOK_GROUP, "me", "0", "0-1"),
    ("xautoclaim", "{alerts}", "XAUTOCLAIM", "{alerts}", WEBHOOK_GROUP, "me", "0", "0"),
)
"""What it needs besides where RILLET_WEBHOOK_URL is set."""


def check_rights(patient: Patient) -> Iterator[Finding]:
    """Try what a processor does, and whether `default` is open to all."""
    try:
        user = one(patient.client.execute_command("ACL", "WHOAMI"))
        user = user.decode() if isinstance(user, bytes) else user
        if user == "default" and not patient.settings.redis_password_file:
            details = one(patient.client.acl_getuser("default"))
            if "nopass" in details["flags"]:
                mend = "redis-server --aclfile users.acl  (k8s/base/redis/users.acl is one)"
                yield Finding("warning", "rights", "anyone may log in, without password", mend)
        yield from _dry_runs(patient, user)
        yield from _default_replays(patient)
    except NoPermissionError:
        said = "this user may not ask about its rights, so they could not be looked at"
        mend = "redis-cli ACL SETUSER NAME '+acl|whoami' '+acl|dryrun'  (or ask as another user)"
        yield Finding("warning", "rights", said, mend)


def _default_replays(patient: Patient) -> Iterator[Finding]:
    """As `default` a server reads its append-only file: what that user may not do gets lost."""
    needs = (*WRITES, ("exec", "", "EXEC"))
    if patient.info.get("aof_enabled") and any(denied_rules(patient, "default", needs)):
        said = (
            "a restart loses what scripts wrote: the server reads its append-only file as `default`"
        )
        mend = "redis-cli ACL SETUSER default off resetpass '~*' '&*' +@all"
        mend += "  (nobody can log in as it then; also in the server's users.acl)"
        yield Finding("error", "rights", said, mend)


def _dry_runs(patient: Patient, user: str) -> Iterator[Finding]:
    more = WEBHOOK if patient.settings.webhook_url else ()
    denied = list(denied_rules(patient, user, WRITES))
    if len(denied) == len(WRITES):
        yield ok("rights", f"user {user} has none of a processor's rights")
        return
    denied = [*denied_rules(patient, user, READS + more), *denied]
    if denied:
        said = f"user {user} may not do all that `rillet process` does"
        mend = f"redis-cli ACL SETUSER {shlex.quote(user)} {' '.join(denied)}"
        if len(partition_keys(patient.settings)) > 1:
            mend += "  (and so for each partition)"
        yield Finding("warning", "rights", said, mend)
    else:
        yield ok("rights", f"user {user} may do what a processor needs")


def denied_rules(patient: Patient, user: str, needs: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """Yield the rules of an ACL that would allow what the user may not."""
    keys = partition_keys(patient.settings)[0]
    prefixes = {
        "stats": keys.stats_prefix,
        "panes": keys.panes_prefix,
        "windows": keys.windows_prefix,
    }
    for right, pattern, *command in needs:
        need = [_named(part, keys, prefixes) for part in command]
        answer = one(patient.client.execute_command("ACL", "DRYRUN", user, *need))
        if answer not in (b"OK", "OK", True):
            yield f"+{right}" + (f" '~{_named(pattern, keys, prefixes)}'" if pattern else "")


def _named(part: str, keys: Keys, prefixes: dict[str, str]) -> str:
    """Return a word of a need with the key it names in braces put in."""
    if not part.startswith("{"):
        return part
    name, _, rest = part[1:].partition("}")
    return (prefixes.get(name) or str(getattr(keys, name))) + rest
