"""Tells a webhook each change of an alert, at least once: the group `webhook` on `alerts`.

Any number of workers share the group, each with one change in hand: read, posted until it is
taken, acknowledged. While a worker holds one it renews its claim; what a dead worker held is
claimed by another. All use one consumer name, as a change belongs to whoever renews it.
"""

import time
from threading import Event, Thread
from typing import Any

import structlog

from processor.metrics import WebhookMetrics
from processor.post import PostError, Receiver, message
from rillet.alert import from_entry
from rillet.connect import FAULTS, connect
from rillet.errors import UserError
from rillet.keys import WEBHOOK_GROUP, Keys, partition_keys
from rillet.settings import Settings

log = structlog.get_logger("processor")

CONSUMER = "rillet"

WAIT_MS = 500
"""How long one XREAD blocks; it only bounds how fast a stop is noticed."""

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
"""Pauses between attempts double from the first to the longest."""

# Takes the next change for this worker, and counts those that were trimmed before anyone had them:
# entries ever added less those still there are gone, and the group should have read them all. One
# step, as a fold may trim at any time, and two workers must not both count.
_TAKE = """
local stream, group, consumer, start = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local function field(reply, name)
  for i = 1, #reply, 2 do
    if reply[i] == name then return reply[i + 1] end
  end
end
local function find()
  if redis.call('EXISTS', stream) == 0 then return nil end
  for _, one in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
    if field(one, 'name') == group then return one end
  end
end
local mine = find()
if not mine then
  redis.call('XGROUP', 'CREATE', stream, group, start, 'MKSTREAM')
  if start == '$' then
    local added = field(redis.call('XINFO', 'STREAM', stream), 'entries-added')
    redis.call('XGROUP', 'SETID', stream, group, '$', 'ENTRIESREAD', added)
  end
  mine = find()
end
local info = redis.call('XINFO', 'STREAM', stream)
local gone = field(info, 'entries-added') - field(info, 'length')
local read, last, lost = field(mine, 'entries-read'), field(mine, 'last-delivered-id'), 0
if read and gone > read then
  lost = gone - read
  redis.call('XGROUP', 'SETID', stream, group, last, 'ENTRIESREAD', gone)
end
local found = ARGV[4] == '1' and
  redis.call('XREADGROUP', 'GROUP', group, consumer, 'COUNT', 1, 'STREAMS', stream, '>')
return { lost, last, field(mine, 'pending') + (field(mine, 'lag') or 0),
  found and found[1] and found[1][2][1] }
"""


class Courier:
    """Delivers the changes of one partition; every failure is retried with back-off."""

    def __init__(self, settings: Settings, keys: Keys, receiver: Receiver, stop: Event) -> None:
        self.settings = settings
        self.stream = keys.alerts
        self.receiver = receiver
        self.stop = stop
        self.counts = WebhookMetrics(settings, keys)
        self.longest_s = min(LONGEST_PAUSE_S, 3 * settings.webhook_timeout_s)
        # Longer than an attempt and the pause after it, between which a claim is renewed.
        self.claim_ms = round(2000 * (settings.webhook_timeout_s + self.longest_s))
        self._client: Any = None
        self._last = "$"
        self._claim_from = "0-0"
        self._delivered = ""
        self._fault = ""

    def run(self) -> None:
        """Deliver until stopped."""
        pause_s = 0.0
        while not self.stop.is_set():
            try:
                self._step()
                pause_s = 0.0
            except (UserError, *FAULTS) as error:
                log.debug("webhook.redis_lost", fault=str(error))
                pause_s = min(2.0, pause_s * 2 or 0.05)
                self.stop.wait(pause_s)

    def prepare(self) -> None:
        """Make the group, so that it misses nothing from now on; a Redis that is away is later."""
        try:
            self._take("0")
        except (UserError, *FAULTS) as error:
            log.debug("webhook.redis_lost", fault=str(error))

    def _step(self) -> None:
        """Deliver one change; where there is none, wait until more comes."""
        self._acknowledge()
        found = self._claim() or self._take("1")
        if found:
            self._deliver(*found)
        elif not self.stop.is_set():
            self._client.xread({self.stream: self._last}, count=1, block=WAIT_MS)

    def _take(self, want: str) -> Any:
        """Return (id, fields) of the next change that nobody has, or None."""
        self._client = self._client or connect(self.settings)
        arguments = (WEBHOOK_GROUP, CONSUMER, self._last, want)
        lost, last, waiting, found = self._client.eval(_TAKE, 1, self.stream, *arguments)
        self._last = last.decode()
        self._note_lost(lost)
        self.counts.waiting(waiting)
        if not found:
            return None
        self._last = found[0].decode()
        flat = found[1]
        return found[0], dict(zip(flat[::2], flat[1::2], strict=True))

    def _claim(self) -> Any:
        """Return (id, fields) of a change whose worker has not renewed its claim, or None."""
        self._client = self._client or connect(self.settings)
        try:
            after, found, *gone = self._client.xautoclaim(
                self.stream, WEBHOOK_GROUP, CONSUMER, self.claim_ms, self._claim_from, count=1
            )
        except FAULTS as error:
            if "NOGROUP" not in str(error) and "no such key" not in str(error):
                raise
            return None
        self._claim_from = after.decode()
        self._note_lost(len(gone[0]) if gone else 0)
        return found[0] if found else None

    def _deliver(self, entry: bytes, fields: dict[bytes, bytes]) -> None:
        """Post one change until it is taken, or until a stop leaves it to another worker."""
        body = message(from_entry(entry, fields))
        pause_s = FIRST_PAUSE_S
        while not self.stop.is_set():
            try:
                self.receiver.post(body)
            except PostError as error:
                self.counts.failed()
                self._note_fault(str(error))
                self.stop.wait(min(self.longest_s, max(pause_s, error.retry_after_s)))
                pause_s = min(self.longest_s, pause_s * 2)
                self._client.xclaim(self.stream, WEBHOOK_GROUP, CONSUMER, 0, [entry], justid=True)
            else:
                self.counts.delivered()
                self._note_fault("")
                self._delivered = entry.decode()
                self._acknowledge()
                return

    def _acknowledge(self) -> None:
        """Acknowledge what was delivered, again where Redis was away the first time."""
        if self._delivered:
            self._client.xack(self.stream, WEBHOOK_GROUP, self._delivered)
            self._delivered = ""

    def _note_lost(self, lost: int) -> None:
        """Tell of changes that `alerts` dropped before the webhook had them."""
        if lost:
            self.counts.lost(lost)
            log.error("webhook.lost", stream=self.stream, changes=lost, hint="RILLET_ALERTS_MAXLEN")

    def _note_fault(self, fault: str) -> None:
        """Log a change between well and ill, one line each, not one per attempt."""
        if fault and not self._fault:
            log.warning("webhook.failing", host=self.receiver.host, fault=fault)
        elif self._fault and not fault:
            log.info("webhook.recovered", host=self.receiver.host)
        self._fault = fault


def start_couriers(settings: Settings, stop: Event) -> list[Thread]:
    """Start a courier for each partition where a webhook is set; return their threads."""
    if settings.webhook_url is None:
        return []
    receiver = Receiver(settings.webhook_url.get_secret_value(), settings.webhook_timeout_s)
    couriers = [Courier(settings, keys, receiver, stop) for keys in partition_keys(settings)]
    threads = []
    for courier in couriers:
        courier.prepare()
        threads.append(Thread(target=courier.run, name=courier.stream, daemon=True))
        threads[-1].start()
    return threads


def join(threads: list[Thread], seconds: float) -> None:
    """Wait so long for the couriers; what one still has in hand is left to the next worker."""
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
