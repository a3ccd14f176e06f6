"""rillet/unused.py: what lies on the server and the settings pass over is named, and mended."""

import shutil
import subprocess
from typing import Any

import orjson
import pytest
import redis

from processor.fold import fold
from rillet.doctor import examine
from rillet.embedded import packaged_cli
from rillet.finding import Finding
from rillet.keys import Keys
from rillet.settings import Settings
from tests.lua.fold_support import add, fold_all


def ailing(settings: Settings, check: str) -> list[Finding]:
    return [one for one in examine(settings) if one.check == check and one.level != "ok"]


def among(settings: Settings, **more: Any) -> Settings:
    return settings.model_copy(update=more)


def test_nothing_is_found_where_all_is_used(settings: Settings, client: redis.Redis) -> None:
    """With readings, windows and rules of these very settings all is well."""
    add(client, [{"sensor": "s", "value": "1"}], 1000)
    fold_all(client, settings, now_ms=100_000)
    assert client.exists("windows:10s")
    assert [one.level for one in examine(settings) if one.check == "settings"] == ["ok"]


@pytest.mark.parametrize(
    ("before", "after", "stream"),
    [(1, 8, "readings"), (8, 1, "{0}:readings"), (8, 2, "{2}:readings"), (1, 1, "")],
)
def test_readings_of_another_number_of_partitions_are_an_error(
    settings: Settings, client: redis.Redis, before: int, after: int, stream: str
) -> None:
    """Readings left unread when the number was changed are named until they are folded."""
    mine = among(settings, partitions=after)
    left = Keys("" if before == 1 else f"{{{0 if after == 1 else after}}}:")
    client.xadd(left.readings, {"sensor": "s", "value": "1"})
    wrong = ailing(mine, "partitions")
    assert [one.said.split()[0] for one in wrong] == ([stream] if stream else [])
    fold(client, among(settings, partitions=before), left)
    assert ailing(mine, "partitions") == []


def test_windows_of_a_size_no_longer_kept_can_be_cleared_away(
    settings: Settings, client: redis.Redis
) -> None:
    """A size taken out of RILLET_WINDOWS is named, and its command leaves nothing of it."""
    add(client, [{"sensor": one, "value": "1"} for one in ("s", "with blank", 'a"b')], 1000)
    fold_all(client, settings, now_ms=200_000)
    kept = among(settings, windows="1m,1h", windows_keep="60,60")
    (one,) = ailing(kept, "windows")
    assert one.said.startswith("windows:10s ")
    assert len(client.keys("panes:10s:*")) == 3
    port = client.connection_pool.connection_kwargs["port"]
    mend = one.mend.replace("redis-cli", f"{shutil.which('redis-cli') or packaged_cli()} -p {port}")
    subprocess.run(["bash", "-c", mend], check=True, capture_output=True)
    assert client.keys("*:10s*") == []
    assert len(client.keys("panes:1m:*")) == 3
    assert ailing(kept, "windows") == []


@pytest.mark.parametrize(("half_life_s", "found"), [(0.0, 1), (300.0, 0)])
def test_rules_without_a_baseline_are_named(
    settings: Settings, client: redis.Redis, half_life_s: float, found: int
) -> None:
    """A deviation rule is idle where no weighted mean is kept; limits never are."""
    types = ("deviation", "limit")
    rules = [{"name": f"{one}-rule", "type": one} for one in types]
    client.set("rules", orjson.dumps({"version": 1, "rules": rules}))
    wrong = ailing(among(settings, half_life_s=half_life_s), "rules")
    assert [one.said.split(":")[0] for one in wrong] == ["deviation-rule"] * found
    client.set("rules", "[1")
    assert ailing(among(settings, half_life_s=0.0), "rules") == []
