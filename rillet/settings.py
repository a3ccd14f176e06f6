"""Every setting of every process, read once from the environment into one frozen object."""

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from rillet.sizes import MOST_OPEN, Size, parse_sizes

ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#@\s*]+")
"""A scheme and a host, with nothing behind: what a browser sends as `Origin`."""


def parts(given: str) -> list[str]:
    """Return what commas separate."""
    return [one.strip() for one in given.split(",") if one.strip()]


class Settings(BaseSettings):
    """Rillet's settings: `RILLET_` and the field's name in capitals, such as `RILLET_REDIS_URL`.

    Each field's text gives what it means and its unit; docs/configuration.md is checked against
    this class by a test. rillet.environment reads them; no other module reads the environment.
    """

    model_config = SettingsConfigDict(env_prefix="RILLET_", frozen=True, extra="ignore")

    redis_url: SecretStr = Field(
        SecretStr("redis://127.0.0.1:6379/0"),
        description="Where Redis or Valkey is: redis://, rediss://, redis+sentinel:// or "
        "redis+cluster://. `rillet demo` starts a private one if unset.",
    )
    redis_username: str = Field(
        "", description="The Redis user; empty: the one in the URL, else `default`."
    )
    redis_password_file: Path | None = Field(
        None, description="Read the password from this file at each connection, not from the URL."
    )
    redis_sentinel_password_file: Path | None = Field(
        None, description="The Sentinels' own password, read from this file."
    )
    redis_ca_file: Path | None = Field(
        None, description="Trust these certificate authorities (PEM) for rediss://."
    )
    redis_cert_file: Path | None = Field(
        None, description="Show this client certificate (PEM) over rediss://."
    )
    redis_key_file: Path | None = Field(
        None, description="The private key (PEM) of RILLET_REDIS_CERT_FILE."
    )
    redis_wait_s: float = Field(
        0.0,
        ge=0,
        le=3600,
        description="`process` and `simulate` wait so long, in s, as they start, for a Redis that "
        "does not answer yet.",
    )
    namespace: str = Field(
        "", description="Goes in front of every key, with a colon.", pattern=r"^[!-z|~]*$"
    )
    partitions: int = Field(
        1, ge=1, le=1024, description="Number of partitions; 1 puts no prefix on the keys."
    )

    fold_target_ms: float = Field(
        2.0, gt=0, le=1000, description="How long one fold may hold the server, in milliseconds."
    )
    fold_max_count: int = Field(
        5000, ge=1, le=100_000, description="The most stream entries one fold reads."
    )
    max_batch: int = Field(
        1000, ge=1, le=100_000, description="The most readings in one `values` or `packed` entry."
    )
    future_skew_ms: int = Field(
        60_000,
        ge=0,
        description="A `ts` further ahead of the server's clock than this is rejected, in ms.",
    )
    readings_tail: int = Field(1000, ge=0, description="Folded readings kept for inspection.")
    results_maxlen: int = Field(10_000, ge=1, description="Entries kept on `results`, about.")
    rejects_maxlen: int = Field(10_000, ge=1, description="Entries kept on `rejects`, about.")
    backlog_max: int = Field(
        100_000, ge=1, description="Producers wait while this many readings are not yet folded."
    )

    windows_keep: str = Field(
        "",
        description="Closed windows kept of each sensor, a number for each size, or one for all; "
        "empty: enough for the sizes, as 60,240,192,400 for 10s,1m,1h,1d.",
    )
    windows: str = Field(
        "10s,1m,1h,1d",
        description="Sizes of the windows in event time, finest first, each dividing the next; "
        "empty: no windows.",
    )
    windows_maxlen: int = Field(
        10_000, ge=1, description="Entries kept on each stream `windows:<size>`, about."
    )
    allowed_lateness_ms: int = Field(
        5000,
        ge=0,
        le=86_400_000,
        description="A window closes so long after its end in event time, in ms; at most 1000 "
        "windows of the finest size.",
    )
    late_maxlen: int = Field(10_000, ge=1, description="Entries kept on `late`, about.")
    quantiles: bool = Field(True, description="Keep a sketch of the values of each sensor.")
    sketch_buckets: int = Field(
        1024,
        ge=16,
        le=4096,
        description="The most buckets of one sketch on each side of zero; then the smallest merge.",
    )
    half_life_s: float = Field(
        300.0,
        ge=0,
        le=31_622_400,
        description="Age at which a reading weighs half in `ewm_mean` and `ewm_stddev`, in s; "
        "0: neither is kept.",
    )
    alerts: bool = Field(True, description="Judge the readings by the alert rules.")
    alerts_maxlen: int = Field(10_000, ge=1, description="Entries kept on `alerts`, about.")
    forget_after_s: float = Field(
        0.0,
        ge=0,
        description="A sensor that sent nothing for so many seconds loses its state; 0: never.",
    )
    rules_file: Path | None = Field(
        None,
        description="The processor loads the alert rules from this TOML file as it starts, if the "
        "file is not the one that was loaded last.",
    )
    webhook_url: SecretStr | None = Field(
        None, description="Each change of an alert is posted there, as JSON that Slack takes too."
    )
    webhook_timeout_s: float = Field(
        10.0, gt=0, le=300, description="How long the webhook's receiver may take to answer, in s."
    )

    host: str = Field("127.0.0.1", description="The address the API listens on.")
    port: int = Field(8000, ge=0, le=65535, description="The port the API listens on.")
    sse_hz: float = Field(
        10.0, gt=0, le=100, description="The most SSE frames a second sent to one client."
    )
    sse_heartbeat_s: float = Field(
        15.0,
        ge=0.1,
        le=3600,
        description="A stream that is silent for so many seconds gets a comment.",
    )
    sse_drop_s: float = Field(
        20.0,
        ge=0.1,
        le=86_400,
        description="A stream's client that reads or acknowledges nothing for so long is cut off, "
        "in s.",
    )
    sse_retry_ms: int = Field(
        1000, ge=1, description="Browsers reconnect after this time, in ms, up to twice that."
    )
    sse_tail_max: int = Field(
        50_000, ge=1, description="Sensors whose newest result is kept in memory for resuming."
    )
    sse_max_clients: int = Field(
        10_000, ge=1, description="The most open streams of one API process; one more gets a 503."
    )
    sse_max_per_address: int = Field(
        200, ge=1, description="The most open streams of one client address; one more gets a 429."
    )
    read_token: SecretStr | None = Field(
        None, description="Whoever reads must show this token; without it reading is open."
    )
    read_token_file: Path | None = Field(None, description="Read the read token from this file.")
    write_token: SecretStr | None = Field(
        None, description="Whoever posts readings must show this token; without it that is open."
    )
    write_token_file: Path | None = Field(None, description="Read the write token from this file.")
    allow_anonymous: bool = Field(
        False,
        description="Listen beyond loopback, and answer under every name, although a token is not "
        "set.",
    )
    trusted_proxies: str = Field(
        "127.0.0.1",
        description="Proxies whose word on a client's address and https is taken: addresses and "
        "networks, separated by commas, or `*` where nothing else reaches the API.",
    )
    cors_origins: str = Field(
        "", description="Origins whose pages may read the API, separated by commas."
    )
    body_max_bytes: int = Field(
        1_048_576, ge=1024, description="The longest JSON body; NDJSON may be of any length."
    )
    line_max_bytes: int = Field(65_536, ge=256, description="The longest line of NDJSON.")
    ready_lag_max: int = Field(
        1_000_000, ge=1, description="/readyz answers 503 while more readings are not yet folded."
    )
    metrics_port: int = Field(
        0, ge=0, le=65535, description="The processor serves /metrics on this port; 0 is off."
    )
    metrics_host: str = Field("127.0.0.1", description="The address of that port.")

    heartbeat_file: Path | None = Field(
        None,
        description="`process` and `simulate` touch this file as they make progress, for probes.",
    )
    log_format: Literal["json", "text"] = Field(
        "json", description="`json`: one object a line; `text`: for people."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least severe log line that is written."
    )

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, given: str) -> str:
        for one in parts(given):
            if one != "*":
                try:
                    ip_network(one)  # as strictly as uvicorn, which passes over what is none
                except ValueError:
                    raise ValueError(f"{one!r} is no address, network or `*`") from None
        return given

    @field_validator("cors_origins")
    @classmethod
    def _origins(cls, given: str) -> str:
        for one in parts(given):
            if one != "*" and not ORIGIN.fullmatch(one):
                raise ValueError(f"{one!r} is no origin, such as https://example.org")
        return given

    @field_validator("windows")
    @classmethod
    def _fitting(cls, windows: str, info: ValidationInfo) -> str:
        parse_sizes(windows, info.data.get("windows_keep", ""))
        return windows

    @field_validator("allowed_lateness_ms")
    @classmethod
    def _bounded(cls, lateness_ms: int, info: ValidationInfo) -> int:
        sizes = parse_sizes(info.data.get("windows", ""), info.data.get("windows_keep", ""))
        if sizes and lateness_ms > MOST_OPEN * sizes[0].ms:
            most = f"{MOST_OPEN * sizes[0].ms} with windows of {sizes[0].name}"
            raise ValueError(f"at most {most}, as so many stay open; coarser ones allow more")
        return lateness_ms

    @property
    def window_sizes(self) -> tuple[Size, ...]:
        """The sizes of `windows`, finest first, and how many of each are kept."""
        return parse_sizes(self.windows, self.windows_keep)
