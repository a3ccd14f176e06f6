"""`GET /metrics` of the API: what the relay did, and what Redis says of itself."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry
from starlette.responses import Response

from api.reader import GONE

router = APIRouter(tags=["health"])


@dataclass(slots=True)
class Counts:
    """What ingest did since the process started."""

    taken: int = 0
    rejected: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Seen:
    """What Redis said just now; empty where it did not answer."""

    up: bool = False
    lags: tuple[int, ...] = ()
    memory_bytes: int = 0


class ApiCollector(Collector):
    """One scrape's metrics, read from the parts that count anyway."""

    def __init__(self, shared: Any, seen: Seen) -> None:
        self.shared = shared
        self.seen = seen

    def collect(self) -> Iterator[Metric]:
        """Yield every metric; docs/metrics.md lists them."""
        hub, seats, counts = self.shared.hub, self.shared.seats, self.shared.counts
        yield _gauge("rillet_api_sse_clients", "Open streams.", seats.taken.total())
        yield _counter("rillet_api_sse_streams", "Streams ever opened.", seats.opened)
        yield _gauge("rillet_api_tasks", "Running asyncio tasks.", len(asyncio.all_tasks()))
        done = hub.counts
        yield _counter("rillet_api_sse_frames", "Frames sent to clients.", done.frames)
        yield _counter("rillet_api_sse_bytes", "Bytes of those frames.", done.frame_bytes)
        yield _counter(
            "rillet_api_sse_frames_dropped",
            "Frames a client that was not ready did not get; a later one has their news.",
            done.coalesced,
        )
        yield _counter("rillet_api_sse_clients_dropped", "Clients cut off.", done.dropped)
        yield _counter("rillet_api_sse_resyncs", "Clients sent a new snapshot.", done.resyncs)
        yield _counter("rillet_api_readings_taken", "Readings written by POST.", counts.taken)
        bad = CounterMetricFamily(
            "rillet_api_readings_rejected", "Readings refused by POST.", labels=["code"]
        )
        for code, n in counts.rejected.items():
            bad.add_metric([code], n)
        yield bad
        yield from self._alerts()
        yield _gauge("rillet_redis_up", "1 while Redis answers the API.", int(self.seen.up))
        yield _gauge(
            "rillet_redis_memory_bytes", "Memory Redis uses, 0 if unknown.", self.seen.memory_bytes
        )
        lag = GaugeMetricFamily("rillet_lag", "Readings not yet folded.", labels=["partition"])
        for partition, n in enumerate(self.seen.lags):
            lag.add_metric([str(partition)], n)
        yield lag

    def _alerts(self) -> Iterator[Metric]:
        board = self.shared.board
        now = GaugeMetricFamily("rillet_alerts_firing", "Alerts that fire now.", labels=["rule"])
        for rule, n in Counter(str(one.get("rule")) for one in board.firing()).items():
            now.add_metric([rule], n)
        yield now
        seen = CounterMetricFamily(
            "rillet_api_alerts", "Changes of alerts seen.", labels=["rule", "state"]
        )
        for labels, n in board.counts.items():
            seen.add_metric(list(labels), n)
        yield seen


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(name, text, value=value)


@router.get("/metrics", response_class=Response)
async def metrics(request: Request) -> Response:
    """Answer in Prometheus' text format."""
    shared = request.app.state.shared
    registry = CollectorRegistry()
    registry.register(ApiCollector(shared, await _ask(shared)))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


async def _ask(shared: Any) -> Seen:
    try:
        lags = tuple(await shared.backlog.lags())
        info = await shared.client.info("memory")
    except GONE:
        return Seen()
    nodes = info.values() if "used_memory" not in info else [info]
    return Seen(True, lags, sum(int(node["used_memory"]) for node in nodes))
