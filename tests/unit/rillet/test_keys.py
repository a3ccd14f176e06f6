"""rillet/keys.py: the names, and that both catalogues of them are complete."""

import inspect
import re
from pathlib import Path
from zlib import crc32

import pytest

from rillet.keys import Keys, partition_keys, partition_of
from rillet.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
CATALOGUES = ["docs/redis-layout.md", "lua/README.md"]
NO_KEYS = {"prefix", "stats_prefix", "windows_prefix", "panes_prefix"}
ARGUMENTS = {"stats": ("<sensor>",), "windows": ("<size>",), "panes": ("<size>", "<sensor>")}


def keys_in_code() -> dict[str, str]:
    """Return key name -> type, from the members of Keys and the first word of their texts."""
    found = {}
    for name, member in inspect.getmembers(Keys, lambda m: isinstance(m, property) or callable(m)):
        if name.startswith("_") or name in NO_KEYS:
            continue
        value = getattr(Keys(), name)
        key = value(*ARGUMENTS[name]) if callable(value) else value
        found[key] = (inspect.getdoc(member) or "").split(":")[0].lower()
    return found


def keys_in(page: str) -> dict[str, str]:
    """Return key name -> type, from the table under the heading `Keys`."""
    section = re.split(r"^## ", page, flags=re.MULTILINE)
    (keys,) = [part for part in section if part.startswith("Keys\n")]
    return dict(re.findall(r"^\| `([^`]+)` \| (\w+) \|", keys, flags=re.MULTILINE))


@pytest.mark.parametrize("path", CATALOGUES)
def test_the_catalogues_list_every_key(path: str) -> None:
    """docs/redis-layout.md and lua/README.md have each key of the code, with its type."""
    assert keys_in((ROOT / path).read_text()) == keys_in_code()


def test_one_partition_has_plain_names() -> None:
    """With one partition the keys have no prefix."""
    (keys,) = partition_keys(Settings())
    assert (keys.readings, keys.stats("soil-1")) == ("readings", "stats:soil-1")


def test_partitions_share_a_slot() -> None:
    """With partitions every key of one begins with the same braces, which choose the slot."""
    keys = partition_keys(Settings(partitions=2))
    assert [k.readings for k in keys] == ["{0}:readings", "{1}:readings"]
    assert keys[1].stats("soil-1") == "{1}:stats:soil-1"


def test_the_namespace_goes_in_front() -> None:
    """With and without partitions, the namespace and a colon come first."""
    assert partition_keys(Settings(namespace="farm"))[0].state == "farm:state"
    assert partition_keys(Settings(namespace="farm", partitions=2))[1].state == "farm:{1}:state"


def test_a_sensors_partition_is_the_documented_hash() -> None:
    """Any producer can compute it: zlib's CRC-32 of the name, modulo the number of partitions."""
    for name in ("soil-1", "temperature-12", "a b"):
        assert partition_of(name, 8) == crc32(name.encode()) % 8
