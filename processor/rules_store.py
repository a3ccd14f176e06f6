"""The alert rules in Redis: reads and writes the key `rules` of every partition, and keeps it.

The rules are the same in every partition. Where they differ (a write broke off, partitions were
added, a key was deleted) those written last are in force, and the keeper writes them everywhere.
"""

import time
from hashlib import sha256
from pathlib import Path
from threading import Event
from typing import Any

import structlog

from processor.rules import RuleSet, newest
from processor.rules_text import parse_json, parse_toml
from rillet.connect import FAULTS, connect
from rillet.errors import UserError
from rillet.keys import partition_keys
from rillet.settings import Settings

KEEP_S = 5.0
"""How often the keeper looks at the file and at Redis."""

log = structlog.get_logger("processor")


def read_rules(client: Any, settings: Settings) -> RuleSet:
    """Return the rules in force."""
    return newest([RuleSet.read(client.get(keys.rules)) for keys in partition_keys(settings)])


def write_rules(client: Any, settings: Settings, rules: list[Any], file: str | None = None) -> int:
    """Put checked rules in force; return their version. `file` is the digest of their file."""
    after = read_rules(client, settings).replaced(rules, time.time_ns() // 1_000_000, file)
    for keys in partition_keys(settings):
        client.set(keys.rules, after.compiled())
    return after.version


def parse_file(path: Path, text: str) -> list[Any]:
    """Return the rules of a file's text: JSON where its name ends so, else TOML."""
    return parse_json(text) if path.suffix == ".json" else parse_toml(text)


class Keeper:
    """Keeps the rules in force: what the file says where that is news, and alike everywhere.

    Rules that were changed at run time stay until the file changes: one that is what was loaded
    last, here or by another worker, is no news.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.path = settings.rules_file
        self._seen = ""
        self._fault = ""
        self._client: Any = None

    def check_file(self) -> None:
        """Raise UserError where the file cannot be read or is not good."""
        if self.path:
            self._read(self.path)

    def run(self, stop: Event) -> None:
        """Look every few seconds until stopped."""
        while not stop.wait(KEEP_S):
            self.look()

    def look(self) -> None:
        """Look once; what fails is logged, and tried again by the next look."""
        try:
            self._client = self._client or connect(self.settings)
            self.keep(self._client)
            self._note("")
        except (UserError, *FAULTS) as error:
            self._note(str(error))

    def keep(self, client: Any) -> None:
        """Load the file if it is news, and write the rules in force where others are."""
        parts = partition_keys(self.settings)
        found = [RuleSet.read(client.get(keys.rules)) for keys in parts]
        wanted = newest(found)
        if self.path:
            wanted = self._with_file(self.path, wanted)
        for keys, has in zip(parts, found, strict=True):
            if has != wanted:
                client.set(keys.rules, wanted.compiled())

    def _with_file(self, path: Path, now: RuleSet) -> RuleSet:
        rules, digest = self._read(path)
        changed, self._seen = digest != self._seen, digest
        if now.version and (not changed or digest == now.file):
            return now
        log.info("rules.loaded", file=str(path), rules=len(rules))
        return now.replaced(rules, time.time_ns() // 1_000_000, digest)

    def _read(self, path: Path) -> tuple[list[Any], str]:
        try:
            text = path.read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"RILLET_RULES_FILE {path} cannot be read: {error}.") from None
        try:
            return parse_file(path, text), sha256(text.encode()).hexdigest()
        except UserError as error:
            raise UserError(f"RILLET_RULES_FILE {path}: {error}.") from None

    def _note(self, fault: str) -> None:
        """Log a change between well and ill, once."""
        if fault and fault != self._fault:
            log.warning("rules.failing", fault=fault)
        elif self._fault and not fault:
            log.info("rules.kept")
        self._fault = fault
