"""The OpenAPI document, held against a real API by schemathesis."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import redis

from rillet.embedded import EmbeddedServer
from rillet.settings import Settings
from tests.serving import add, serving

pytest.importorskip("schemathesis")


CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
)


def test_no_request_is_a_5xx_and_every_answer_is_as_documented(
    server: EmbeddedServer, client: redis.Redis, settings: Settings
) -> None:
    """Generated requests, good and bad, to every route but the endless one."""
    add(client, settings, "a", 1.0, 2.0, kind="moisture")
    with serving(server) as api:
        command = [str(Path(sys.executable).with_name("schemathesis")), "run"]
        command += [f"{api.url}/openapi.json", "--checks", ",".join(CHECKS)]
        command += ["--exclude-path", "/api/stream", "--max-examples", "15", "--no-color"]
        command += ["--phases", "examples,coverage,fuzzing", "--generation-deterministic"]
        hooks = {
            "SCHEMATHESIS_HOOKS": "schemathesis_hooks",
            "PYTHONPATH": str(Path(__file__).parent),
        }
        ended = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
            env={**os.environ, **hooks},
        )
    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-1000:]
