"""The processor's Prometheus metrics, served on a port of their own where one is set."""

from prometheus_client import Counter, Gauge, Histogram, start_http_server

from processor.fold import Folded
from rillet.errors import UserError
from rillet.keys import Keys, partition_keys
from rillet.settings import Settings

FOLD_SECONDS = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5)

_FOLDS = Counter("rillet_processor_folds", "Folds done.", ["partition"])
_READINGS = Counter("rillet_processor_readings", "Readings folded.", ["partition"])
_DUPLICATES = Counter("rillet_processor_duplicates", "Readings not folded again.", ["partition"])
_REJECTED = Counter("rillet_processor_rejected", "Entries rejected.", ["partition", "code"])
_FAULTS = Counter("rillet_processor_faults", "Folds that reported a fault.", ["partition"])
_SECONDS = Histogram(
    "rillet_processor_fold_seconds",
    "How long a fold held the Redis server.",
    ["partition"],
    buckets=FOLD_SECONDS,
)
_LAG = Gauge("rillet_processor_lag", "Readings not yet folded, after the last fold.", ["partition"])


class FoldMetrics:
    """Counts folds; an instance is the `on_fold` of the worker."""

    def __init__(self, settings: Settings) -> None:
        self._names = {keys: str(p) for p, keys in enumerate(partition_keys(settings))}

    def __call__(self, keys: Keys, folded: Folded) -> None:
        """Count one fold."""
        partition = self._names[keys]
        _FOLDS.labels(partition).inc()
        _READINGS.labels(partition).inc(folded.readings)
        _DUPLICATES.labels(partition).inc(folded.duplicates)
        _SECONDS.labels(partition).observe(folded.busy_us / 1e6)
        _LAG.labels(partition).set(folded.backlog)
        if folded.fault:
            _FAULTS.labels(partition).inc()
        for code, n in folded.codes.items():
            _REJECTED.labels(partition, code).inc(n)


def serve_metrics(settings: Settings) -> None:
    """Serve /metrics from a thread where a port is set; raise UserError if it is taken."""
    if not settings.metrics_port:
        return
    try:
        start_http_server(settings.metrics_port, settings.metrics_host)
    except OSError as error:
        raise UserError(
            f"RILLET_METRICS_PORT {settings.metrics_port} cannot be used: {error}."
        ) from None
