"""Makes of a composed script one that fails where it is told to: at the nth run of one call."""

import re
from dataclasses import dataclass, replace
from typing import Any

import redis

from processor.scripts import Script

_CALL = re.compile(r"redis\.(p?call)\((?:'([A-Z]+)'(?:, '([A-Z]+)')?)?")
_HIDDEN = re.compile(r"redis\.p?call\b(?!\()|redis\s*\[|=\s*redis\b(?!\.)")
_SWITCH = """
local fail_site, fail_time, fail_seen = tonumber(ARGV[#ARGV - 1]), tonumber(ARGV[#ARGV]), 0
local function at_site(site, how, ...)
  if fail_time == 0 then
    redis.call('HINCRBY', 'reached', site, 1)
  elseif site == fail_site then
    fail_seen = fail_seen + 1
    if fail_seen == fail_time then
      if how == 'call' then error({ err = 'ERR injected' }) end
      return { err = 'ERR injected' }
    end
  end
  return redis[how](...)
end
"""


@dataclass(frozen=True)
class Injector:
    """A script with a switch at each of its calls; `sites` names them in the text's order."""

    script: Script
    sites: tuple[str, ...]

    @classmethod
    def of(cls, script: Script) -> "Injector":
        """Put a switch at each redis.call and redis.pcall; one hidden from this is refused."""
        assert not _HIDDEN.findall(script.text), "write redis.call(...) out, for the faults' sake"
        sites: list[str] = []

        def switch(found: re.Match[str]) -> str:
            line = script.text.count("\n", 0, found.start()) + 1
            sites.append(f"{line}: {found[2]} {found[3] or ''}")
            rest = found[0].split("(", 1)[1]
            return f"at_site({len(sites)}, '{found[1]}', {rest}"

        text = _CALL.sub(switch, script.text)
        return cls(replace(script, text=_SWITCH + text), tuple(sites))

    def run(self, client: redis.Redis, named: dict[str, Any], site: int, time: int) -> str:
        """Run it; the `time`-th run of call `site` fails. Return the error, or ''.

        At time 0 nothing fails, and the runs of each call are counted in the hash `reached`.
        """
        arguments = [*self.script.arguments(named), site, time]
        try:
            reply = client.execute_command("EVAL", self.script.text, *arguments)
        except redis.ResponseError as error:
            return str(error)
        return str(self.script.result(reply)["fault"].decode())
