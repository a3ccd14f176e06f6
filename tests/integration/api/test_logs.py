"""What the API says on standard error."""

import resource

import orjson
import pytest

from rillet.embedded import EmbeddedServer
from tests.serving import serving
from tests.waiting import until


@pytest.mark.parametrize("form", ["json", "text"])
def test_each_line_is_one_event(form: str) -> None:
    """JSON: an object a line with level, time and event; text for people; so in all workers."""
    with EmbeddedServer() as own:
        options = ("--log-format", form, "--workers", "2")
        with serving(own, *options, log_level="info") as api:
            own.kill()
            until(lambda: api.get("/readyz").status_code == 503)
            api.process.terminate()
            said = api.process.communicate(timeout=20)[0].splitlines()
    lost = [line for line in said if "results.lost" in line]
    assert lost
    if form == "json":
        assert all({"event", "level", "timestamp"} <= orjson.loads(line).keys() for line in said)
    else:
        assert not any(line.startswith("{") for line in said)


def test_as_many_files_as_may_be_are_opened_and_too_few_are_told(server: EmbeddedServer) -> None:
    """The soft limit of open files is raised to the hard one; streams beyond it are warned of."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        with serving(server, sse_max_clients=str(hard)) as api:
            found = resource.prlimit(api.process.pid, resource.RLIMIT_NOFILE)
            api.process.terminate()
            said = [
                orjson.loads(line)
                for line in api.process.communicate(timeout=20)[0].split("\n")
                if line
            ]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert found == (hard, hard)
    assert [line["may_open"] for line in said if line["event"] == "files.few"] == [hard]
