"""The OpenAPI models of the statistics: what each field means, its unit, an example."""

from typing import Literal

from pydantic import BaseModel, Field


class SensorStatistics(BaseModel):
    """The running statistics of one sensor. Numbers read back as the same double."""

    sensor: str = Field(description="The sensor's name.", examples=["soil-1"])
    count: int = Field(description="Readings folded.", examples=[1440])
    mean: float | None = Field(None, description="In `unit`.", examples=[0.42])
    variance: float | None = Field(None, description="Divided by n, in `unit` squared.")
    stddev: float | None = Field(None, description="Divided by n, in `unit`.", examples=[0.05])
    stddev_sample: float | None = Field(None, description="Divided by n-1; from 2 readings on.")
    min: float | None = Field(None, description="In `unit`.")
    max: float | None = Field(None, description="In `unit`.")
    sum: float | None = Field(None, description="In `unit`.")
    last: float | None = Field(None, description="The newest value, in `unit`.")
    ewm_mean: float | None = Field(
        None, description="Exponentially weighted by age (RILLET_HALF_LIFE_S), in `unit`."
    )
    ewm_stddev: float | None = Field(None, description="The deviation weighted so, in `unit`.")
    first_ts: int | None = Field(None, description="Earliest event time, ms since 1970.")
    last_ts: int | None = Field(None, description="Latest event time, ms since 1970.")
    duplicates: int = Field(0, description="Readings not counted, as their `seq` was known.")
    late: int = Field(0, description="Readings counted, but too late for their window.")
    gaps: int = Field(0, description="Sequence numbers that never came.")
    rejected: int = Field(0, description="Readings that could not be folded.")
    restarts: int = Field(0, description="How often `seq` began anew.")
    last_id: str | None = Field(None, description="Stream id of the newest folded reading.")
    kind: str | None = Field(None, examples=["moisture"])
    unit: str | None = Field(None, examples=["%"])


class Quantiles(BaseModel):
    """Within 1% of the exact quantile; in `unit`. Null while there is no value."""

    p50: float | None = Field(description="The median.", examples=[0.42])
    p90: float | None = Field(description="90% of the values are not above it.")
    p99: float | None = Field(description="99% of the values are not above it.")


class Span(BaseModel):
    """The figures of all readings in a span of event time."""

    count: int = Field(description="Readings.", examples=[60])
    mean: float | None = Field(None, description="In `unit`.")
    stddev: float | None = Field(None, description="Divided by n, in `unit`.")
    min: float | None = Field(None, description="In `unit`.")
    max: float | None = Field(None, description="In `unit`.")
    sum: float | None = Field(None, description="In `unit`.")
    first: float | None = Field(None, description="The value of the earliest event time.")
    last: float | None = Field(None, description="The value of the latest event time.")
    p50: float | None = Field(None, description="The median, within 1%.")
    p90: float | None = Field(None, description="Within 1%.")
    p99: float | None = Field(None, description="Within 1%.")
    missing_ms: int = Field(
        0,
        description="Where sizes of windows were changed: of so much of its time, in ms, it may "
        "lack readings.",
    )


class Over(Span):
    """The figures of the readings of the last so many minutes, hours or days."""

    from_: int = Field(
        alias="from",
        description="Where it begins, ms since 1970: the start of a window, so up to one early; "
        "or that of the oldest that is kept.",
    )
    to: int = Field(description="When it was asked for, ms since 1970.")


class Window(Span):
    """The figures of one window of one sensor, [start, end) in event time."""

    start: int = Field(description="Ms since 1970.", examples=[1795484880000])
    end: int = Field(description="Ms since 1970.", examples=[1795484940000])
    open: bool = Field(False, description="More readings may come into it.")


class Windows(BaseModel):
    """The windows of one sensor, oldest first; those without readings are left out."""

    sensor: str
    size: str = Field(examples=["1m"])
    items: list[Window]


class SensorDetail(SensorStatistics):
    """One sensor, with its quantiles, and the figures of a span where one was asked for."""

    quantiles: Quantiles | None = Field(
        None, description="Of its readings while quantiles were on; null without any."
    )
    over: Over | None = Field(None, description="Only with `over`.")


class SensorPage(BaseModel):
    """One page of sensors."""

    items: list[SensorStatistics]
    next: str | None = Field(description="Send as `cursor` for the next page; null at the end.")


class Summary(BaseModel):
    """Statistics of all readings of several sensors together, merged without loss."""

    sensors: int = Field(description="Sensors merged.", examples=[12])
    count: int = Field(description="Readings of all of them.", examples=[17280])
    mean: float | None = Field(None, description="Of all readings.")
    variance: float | None = Field(None, description="Divided by n.")
    stddev: float | None = Field(None, description="Divided by n.")
    stddev_sample: float | None = Field(None, description="Divided by n-1; from 2 readings on.")
    min: float | None = Field(None, description="Of all readings, in their unit.")
    max: float | None = Field(None, description="Of all readings, in their unit.")
    sum: float | None = Field(None, description="Of all readings, in their unit.")
    quantiles: Quantiles | None = Field(None, description="Null where quantiles are off.")


class Alert(BaseModel):
    """One change of an alert: it began to fire, or was resolved."""

    entry: str = Field(
        description="Its entry on `alerts`; with the sensor it names the change.",
        examples=["1795484873101-0"],
    )
    sensor: str = Field(examples=["soil-1"])
    rule: str = Field(description="The rule's name.", examples=["too-hot"])
    type: Literal["limit", "deviation", "stuck", "silence"]
    state: Literal["firing", "resolved"]
    value: float | None = Field(
        None, description="The reading's value, in the sensor's unit; none where none came."
    )
    threshold: str = Field("", description="What it was held against.", examples=["> 30"])
    ts: int | None = Field(None, description="Event time, ms since 1970.")
    at: int | None = Field(None, description="The server's clock, ms since 1970.")
    id: str = Field("", description="The reading's stream id; empty where none came.")
    message: str = Field("", description="A sentence for people.")


class ActiveAlert(Alert):
    """An alert that fires now."""

    since: int | None = Field(None, description="Event time at which it began, ms since 1970.")


class Alerts(BaseModel):
    """What fires now, and what changed lately; both newest first."""

    active: list[ActiveAlert]
    recent: list[Alert]
