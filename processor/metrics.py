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
_CLOSED = Counter("rillet_processor_windows_closed", "Windows closed.", ["partition"])
_LATE = Counter("rillet_processor_late", "Readings too late for their window.", ["partition"])
_CHANGES = Counter("rillet_processor_alerts", "Changes of alerts told.", ["partition"])
_FORGOTTEN = Counter("rillet_processor_forgotten", "Sensors forgotten by folds.", ["partition"])
_DELIVERED = Counter(
    "rillet_processor_webhook_deliveries", "Changes the webhook took.", ["partition"]
)
_FAILED = Counter(
    "rillet_processor_webhook_failures", "Attempts the webhook did not take.", ["partition"]
)
_LOST = Counter(
    "rillet_processor_webhook_lost", "Changes trimmed before the webhook had them.", ["partition"]
)
_WAITING = Gauge(
    "rillet_processor_webhook_waiting", "Changes the webhook has not taken yet.", ["partition"]
)


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
        _CLOSED.labels(partition).inc(folded.closed)
        _LATE.labels(partition).inc(folded.late_readings)
        _CHANGES.labels(partition).inc(folded.changes)
        _FORGOTTEN.labels(partition).inc(folded.forgotten)
        if folded.fault:
            _FAULTS.labels(partition).inc()
        for code, n in folded.codes.items():
            _REJECTED.labels(partition, code).inc(n)


class WebhookMetrics:
    """Counts what became of the changes of one partition's alerts."""

    def __init__(self, settings: Settings, keys: Keys) -> None:
        self._partition = str(partition_keys(settings).index(keys))
        for metric in (_DELIVERED, _FAILED, _LOST, _WAITING):
            metric.labels(self._partition)  # shown as 0 from the start

    def delivered(self) -> None:
        """Count a change that was taken."""
        _DELIVERED.labels(self._partition).inc()

    def failed(self) -> None:
        """Count an attempt that failed."""
        _FAILED.labels(self._partition).inc()

    def lost(self, changes: int) -> None:
        """Count changes that were trimmed before they were delivered."""
        _LOST.labels(self._partition).inc(changes)

    def waiting(self, changes: int) -> None:
        """Set how many changes are not delivered yet."""
        _WAITING.labels(self._partition).set(changes)


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
