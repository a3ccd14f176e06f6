"""The kinds of sensor that the simulator knows: their units, ranges and daily cycles. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind of sensor behaves; all figures are in its `unit`.

    `mean` is the level of an average site, `site_spread` the standard deviation from site to
    site, `daily_swing` the height of the daily cycle above its mean, `weather_spread` and
    `noise_spread` the standard deviations of slow and of reading-to-reading changes. An honest
    reading lies in `low`..`high`. `peak_hour` is the local hour of the day's highest value.
    """

    name: str
    unit: str
    low: float
    high: float
    mean: float
    site_spread: float
    daily_swing: float
    weather_spread: float
    noise_spread: float
    peak_hour: float


KINDS = (
    Kind("temperature", "°C", -30, 50, 18, 1.5, 6, 1.0, 0.15, 15),
    Kind("soil_nitrogen", "mg/kg", 0, 120, 35, 6, 1.0, 0.8, 0.4, 14),
    Kind("soil_moisture", "%", 0, 60, 28, 3, 1.2, 0.6, 0.2, 6),
)
"""Round figures for a field in a mild growing season: air temperature, soil nitrate as nitrogen,
and water by volume. They were chosen to look right, not measured."""
