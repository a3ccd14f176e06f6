"""docs/metrics.md and the alert rules, held against the metrics that the code has."""

import re
from types import SimpleNamespace

from prometheus_client import REGISTRY

import processor.metrics
from api.board import Board
from api.hub import Hub
from api.metrics import ApiCollector, Counts, Seen
from api.seats import Seats
from api.tail import Tail
from rillet.assets import asset_folder
from rillet.settings import Settings

DOCS = asset_folder("lua").parent / "docs"


async def _known() -> set[str]:
    hub = Hub(Tail(1, 10), Board(), hz=10, heartbeat_s=1, drop_s=1)
    settings = Settings()
    shared = SimpleNamespace(hub=hub, board=hub.board, counts=Counts(), seats=Seats(settings))
    families = [*ApiCollector(shared, Seen()).collect(), *REGISTRY.collect()]
    assert processor.metrics.FOLD_SECONDS
    return {
        f"{one.name}_total" if one.type == "counter" else one.name
        for one in families
        if one.name.startswith("rillet_")
    }


async def test_the_page_lists_every_metric_and_no_other() -> None:
    """The table of docs/metrics.md has one row for each metric of API and processor."""
    listed = re.findall(r"^\| `(rillet_\w+)`", (DOCS / "metrics.md").read_text(), re.MULTILINE)
    assert len(listed) == len(set(listed))
    assert set(listed) == await _known()


async def test_the_alert_rules_speak_of_metrics_that_exist() -> None:
    """Each name in the rules' expressions is a metric."""
    named = set(re.findall(r"\brillet_\w+", (DOCS / "alerts.rules.yml").read_text()))
    assert named
    assert named <= await _known()
