"""The doctor's look at the rights of this user; asks by ACL DRYRUN and writes nothing."""

from collections.abc import Iterator

from redis.exceptions import NoPermissionError

from rillet.finding import Finding, Patient, ok, one
from rillet.keys import GROUP, Keys, partition_keys

NEEDS = (
    ("evalsha", "{readings}", "EVALSHA", "0" * 40, "1", "{readings}"),
    ("xadd", "{results}", "XADD", "{results}", "*", "f", "v"),
    ("hset", "{state}", "HSET", "{state}", "f", "v"),
    ("hset", "{stats}*", "HSET", "{stats}x", "f", "v"),
    ("xgroup|setid", "{readings}", "XGROUP", "SETID", "{readings}", GROUP, "0"),
    ("xtrim", "{readings}", "XTRIM", "{readings}", "MAXLEN", "1"),
    ("set", "{rules}", "SET", "{rules}", "v"),
    ("hdel", "{firing}", "HDEL", "{firing}", "f"),
    ("xadd", "{alerts}", "XADD", "{alerts}", "*", "f", "v"),
    ("rpush", "{panes}*", "RPUSH", "{panes}x", "v"),
    ("zadd", "{due}", "ZADD", "{due}", "1", "x"),
)
"""What a processor's user must write: the right, its keys, a command to try by ACL DRYRUN alone."""


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
    except NoPermissionError:
        yield ok("rights", "this user may not ask about rights: least privilege is in force")


def _dry_runs(patient: Patient, user: str) -> Iterator[Finding]:
    keys = partition_keys(patient.settings)[0]
    prefixes = {"stats": keys.stats_prefix, "panes": keys.panes_prefix}
    denied = []
    for right, pattern, *command in NEEDS:
        need = [_named(part, keys, prefixes) for part in command]
        answer = one(patient.client.execute_command("ACL", "DRYRUN", user, *need))
        if answer not in (b"OK", "OK", True):
            denied.append(f"+{right} '~{_named(pattern, keys, prefixes)}'")
    if len(denied) == len(NEEDS):
        yield ok("rights", f"user {user} has none of a processor's rights")
    elif denied:
        said = f"user {user} may not do all that `rillet process` does"
        mend = f"redis-cli ACL SETUSER {user} {' '.join(denied)}"
        if len(partition_keys(patient.settings)) > 1:
            mend += "  (and so for each partition)"
        yield Finding("warning", "rights", said, mend)
    else:
        yield ok("rights", f"user {user} may do what a processor needs")


def _named(part: str, keys: Keys, prefixes: dict[str, str]) -> str:
    """Return a word of NEEDS with the key it names in braces put in."""
    if not part.startswith("{"):
        return part
    name, _, rest = part[1:].partition("}")
    return (prefixes.get(name) or str(getattr(keys, name))) + rest
