"""How many streams are open, in all and per client address, and how many may be."""

from collections import Counter

from starlette.responses import Response

from api.problems import problem
from rillet.settings import Settings


class Seats:
    """Counts the open streams, in all and per client address."""

    def __init__(self, settings: Settings) -> None:
        self.most = settings.sse_max_clients
        self.most_per_address = settings.sse_max_per_address
        self.taken: Counter[str] = Counter()
        self.opened = 0

    def refusal(self, address: str) -> Response | None:
        """Return the answer to one stream too many, or None where there is room."""
        if self.taken.total() >= self.most:
            return problem(503, f"{self.most} streams are open; try again.", retry=True)
        if self.taken[address] >= self.most_per_address:
            said = f"{self.most_per_address} streams from {address} are open; close one."
            return problem(429, said, retry=True)
        return None

    def take(self, address: str) -> None:
        """Count a stream in."""
        self.taken[address] += 1
        self.opened += 1

    def free(self, address: str) -> None:
        """Count a stream out; an address without streams is forgotten."""
        self.taken[address] -= 1
        if not self.taken[address]:
            del self.taken[address]
