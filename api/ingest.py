"""`POST /api/readings`: checks readings, writes them to the stream, says what was wrong."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import orjson
from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from redis.exceptions import OutOfMemoryError
from starlette.responses import JSONResponse, Response

from api.body import read_body
from api.problems import AWAY, STOPPING, Problem, ProblemError
from api.reader import GONE
from api.readings import parse_line, parse_reading
from rillet.errors import FULL
from rillet.keys import partition_of
from rillet.validate import Fault, Limits, check

BATCH = 500
"""Readings written in one round trip, and so the most that are held."""

TURN = 200
"""Readings after which other requests get their turn: about a millisecond."""

ERRORS_SHOWN = 100

NDJSON = ("application/x-ndjson", "application/ndjson", "application/jsonl")

router = APIRouter(tags=["readings"])


class Reading(BaseModel):
    """A measured value, or a batch of them."""

    sensor: str = Field(description="1 to 128 printable ASCII characters.", examples=["soil-1"])
    value: float | None = Field(None, description="Within ±1e100.", examples=[0.42])
    values: list[float] | None = Field(None, description="A batch, instead of `value`.")
    ts: int | None = Field(None, description="Event time, ms since 1970; default: now.")
    seq: int | None = Field(None, description="Grows per sensor; a repeat is not counted.")
    kind: str | None = Field(None, examples=["moisture"])
    unit: str | None = Field(None, examples=["%"])


class ReadingFault(BaseModel):
    """What was wrong with one reading."""

    index: int = Field(description="Its place in the request, from 0; in NDJSON, its line.")
    code: str = Field(examples=["bad_value"])
    reason: str = Field(examples=["the value is not a decimal number"])


class Taken(BaseModel):
    """How many readings were written, and what was wrong with the others."""

    taken: int
    rejected: int
    codes: dict[str, int] = Field(description="Rejected readings by code.")
    errors: list[ReadingFault] = Field(description=f"The first {ERRORS_SHOWN}.")


class Intake:
    """The work of one request: a batch in hand, counts, faults."""

    def __init__(self, shared: Any) -> None:
        self.shared = shared
        self.taken = 0
        self.codes: Counter[str] = Counter()
        self.errors: list[dict[str, Any]] = []
        self.batch: list[dict[bytes, bytes]] = []
        self.index = 0

    async def add(self, reading: dict[bytes, bytes] | Fault) -> None:
        """Check one reading and put it into the batch, or note what is wrong with it."""
        settings = self.shared.settings
        limits = Limits(settings.max_batch, settings.future_skew_ms, time.time_ns() // 1_000_000)
        fault = reading if isinstance(reading, Fault) else check(reading, limits)
        if fault:
            self.codes[fault.code] += 1
            self.shared.counts.rejected[fault.code] += 1
            if len(self.errors) < ERRORS_SHOWN:
                self.errors.append(
                    {"index": self.index, "code": fault.code, "reason": fault.reason}
                )
        elif not isinstance(reading, Fault):
            self.batch.append(reading)
        await self.step()
        if len(self.batch) >= BATCH:
            await self.write()

    async def step(self) -> None:
        """Go on to the next reading; every so often others get their turn."""
        self.index += 1
        if self.index % TURN == 0:
            await asyncio.sleep(0)

    async def write(self) -> None:
        """Write the batch in one round trip; refuse what of it would pass the backlog's bound."""
        if not self.batch:
            return
        settings, store = self.shared.settings, self.shared.store
        try:
            waiting = await self.shared.backlog.largest()
            fitting = self.batch[: max(0, settings.backlog_max - waiting)]
            pipe = store.client.pipeline(transaction=False)
            for fields in fitting:
                p = partition_of(fields[b"sensor"].decode(), settings.partitions)
                pipe.xadd(store.keys[p].readings, fields)
            answers = await pipe.execute(raise_on_error=False)
        except GONE:
            raise self.refuse(503, AWAY) from None
        written = sum(not isinstance(answer, Exception) for answer in answers)
        self.taken += written
        self.shared.counts.taken += written
        self.shared.backlog.add(written)
        if any(isinstance(answer, OutOfMemoryError) for answer in answers):
            raise self.refuse(503, FULL)
        if written < len(fitting):
            raise self.refuse(503, "Redis refused to write; try again.")
        if len(fitting) < len(self.batch):
            raise self.refuse(429, f"{waiting + written} readings wait to be folded; try again.")
        self.batch = []

    def refuse(self, status: int, detail: str) -> ProblemError:
        """Return the error that ends the request and says what was taken before."""
        return ProblemError(status, detail, retry=status in {429, 503}, **self.summary())

    def summary(self) -> dict[str, Any]:
        """Return the counts and faults so far."""
        rejected = sum(self.codes.values())
        return {
            "taken": self.taken,
            "rejected": rejected,
            "codes": dict(self.codes),
            "errors": self.errors,
        }


@router.post(
    "/api/readings",
    status_code=202,
    response_model=Taken,
    responses={n: {"model": Problem} for n in (401, 403, 408, 413, 415, 422, 429, 503)},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {
                        "oneOf": [
                            Reading.model_json_schema(),
                            {"type": "array", "items": Reading.model_json_schema()},
                        ]
                    }
                },
                "application/x-ndjson": {"schema": {"type": "string"}},
            },
        }
    },
)
async def take_readings(request: Request) -> Response:
    """Write one reading, a list, or NDJSON of any length to the stream of readings.

    202 says how many were taken and what was wrong with the rest; 422, that none was good. 429 and
    503 say when to try again; what was taken until then is in `taken`, in the request's order.
    """
    intake = Intake(request.app.state.shared)
    kind = request.headers.get("content-type", "application/json").split(";")[0].strip().lower()
    try:
        if kind in NDJSON:
            await _take_lines(request, intake)
        elif kind in {"application/json", ""}:
            await _take_document(request, intake)
        else:
            raise intake.refuse(415, f"Send application/json or application/x-ndjson, not {kind}.")
        await intake.write()
    except asyncio.CancelledError:  # its grace after SIGTERM is over
        raise intake.refuse(503, STOPPING) from None
    if intake.codes and not intake.taken:
        raise intake.refuse(422, "No reading was good; `errors` says why.")
    return JSONResponse(intake.summary(), 202)


async def _take_document(request: Request, intake: Intake) -> None:
    limit = request.app.state.shared.settings.body_max_bytes
    said = f"The body is over {limit} bytes; send NDJSON, or less."
    body = await read_body(request, limit, said, **intake.summary())
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise intake.refuse(422, f"The body is not JSON: {error}.") from None
    for one in document if isinstance(document, list) else [document]:
        await intake.add(parse_reading(one))


async def _take_lines(request: Request, intake: Intake) -> None:
    limit = request.app.state.shared.settings.line_max_bytes
    async for line in _lines(request.stream(), limit):
        if line is None:
            await intake.add(Fault("line_too_long", f"the line is over {limit} bytes"))
        elif line.strip():
            await intake.add(parse_line(line))
        else:
            await intake.step()


async def _lines(pieces: AsyncIterator[bytes], limit: int) -> AsyncIterator[bytes | None]:
    """Yield each line, or None for one that is over the limit; holds no more than a line."""
    rest, too_long = b"", False
    async for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            yield None if too_long or len(line) > limit else line
            too_long = False
        if len(rest) > limit:
            rest, too_long = b"", True
    if rest or too_long:
        yield None if too_long else rest
