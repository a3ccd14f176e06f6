"""The stress run itself, and that it can fail: each fault against a build that it must break."""

import contextlib
import signal
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from chaos.plan import NAMES, Step
from chaos.run import Config, run
from rillet.cli import app
from rillet.embedded import EmbeddedServer
from rillet.errors import UserError
from tests.processes import running
from tests.recovery import broken
from tests.recovery.broken import Broken, make_build
from tests.waiting import until

pytestmark = pytest.mark.timeout(300)


def rillet_chaos(server: EmbeddedServer, *options: str) -> Result:
    command = ["chaos", "--server", server.binary, *options]
    return CliRunner().invoke(app, command, env={"COLUMNS": "200"})


def number(output: str, row: str) -> int:
    """Return the number in the first row of the tables that begins so."""
    (found, *_) = [line for line in output.splitlines() if line.startswith(f"│ {row}")]
    return int(found.rsplit("│", 2)[1].strip().replace(",", ""))


def assert_as_promised(done: Result) -> None:
    """Every fault was done, some readings were in each trouble, and none was lost or repeated."""
    assert done.exit_code == 0, done.output
    assert "lost 0, counted twice 0, every figure of 36 sensors as promised" in done.output
    for row in (*NAMES, "sent again", "refused", "known as repeats", "rejected"):
        assert number(done.output, row) > 0, row
    assert number(done.output, "windows closed") > 0
    assert number(done.output, "alert changes") > 0
    assert number(done.output, "too late") > 0
    reached = number(done.output, "acknowledged") + number(done.output, "in doubt")
    assert reached == number(done.output, "planned")


def test_nothing_is_lost_nor_counted_twice_whatever_breaks(server: EmbeddedServer) -> None:
    """Every kind of fault within seconds: each reading is folded once, and every field is exact."""
    assert_as_promised(rillet_chaos(server, "--minutes", "0.2", "--partitions", "2"))


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "partitions"), [("7", "1"), ("8", "3")])
def test_two_minutes_of_it_cost_nothing(server: EmbeddedServer, seed: str, partitions: str) -> None:
    """The same over two minutes, with other seeds, on one partition and on three."""
    options = ("--minutes", "2", "--seed", seed, "--partitions", partitions)
    assert_as_promised(rillet_chaos(server, *options))


def test_a_run_that_fails_says_so(server: EmbeddedServer, tmp_path: Path) -> None:
    """A build that does not look for repeats ends with status 1, and the number of them."""
    folder = make_build(tmp_path, broken.NO_SEQ)
    done = rillet_chaos(server, "--minutes", "0.05", "--fault", "scramble", "--build", str(folder))
    assert done.exit_code == 1
    assert "NOT as promised" in done.output
    assert number(done.output, "counted twice") > 0
    assert number(done.output, "lost") == 0


def test_what_a_user_gets_wrong_is_one_line(server: EmbeddedServer, tmp_path: Path) -> None:
    """A server, a fault or a build that is none: an error that says so."""
    for options, said in (
        (("--server", str(tmp_path / "none")), "cannot be started: No such file"),
        (("--fault", "flood"), "choose from kill-worker"),
        (("--build", str(tmp_path)), "has no rillet/cli.py"),
        (("--rate", "1"), "1 readings are too few for 4 producers"),
        (("--producers", "5000"), "2400 readings are too few for 5000 producers"),
    ):
        done = rillet_chaos(server, "--minutes", "0.02", *options)
        assert isinstance(done.exception, UserError)
        assert said in str(done.exception)
    for option in (("--minutes", "inf"), ("--rate", "inf"), ("--rate", "nan")):
        done = rillet_chaos(server, *option)
        assert done.exit_code == 2
        assert "Invalid value" in done.output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.slow
def test_a_run_that_is_ended_leaves_no_process(
    server: EmbeddedServer, number: signal.Signals, tmp_path: Path
) -> None:
    """Ctrl-C, SIGTERM and a closed terminal end the server and the workers with the run."""
    folder = make_build(tmp_path, None)
    options = ("--server", server.binary, "--build", str(folder), "--fault", "scramble")
    with running(server, "chaos", *options) as process:
        until(lambda: len(processes_in(folder)) == 3)
        process.send_signal(number)
        said = process.communicate(timeout=20)[0]
    assert "Traceback" not in said
    assert process.returncode == 130
    until(lambda: processes_in(folder) == [])


@pytest.mark.slow
def test_a_fault_that_could_not_be_done_is_not_counted(server: EmbeddedServer) -> None:
    """What is to be done to a server that is down is not done, and the table says so."""
    plan = [
        Step(0.2, "kill-server", 0.6, 0),
        *(Step(0.4, kind, 0.1, 0) for kind in ("fill-memory", "flush-scripts")),
    ]
    outcome = run(Config(1, 1, plan, producers=1, binary=server.binary), lambda _: None)
    assert outcome.done == {"kill-server": 1}
    assert outcome.verdict.good


def processes_in(folder: Path) -> list[int]:
    """Return the ids of the processes that were started in a folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (entry / "cwd").readlink() == folder:
                found.append(int(entry.name))
    return found


@dataclass(frozen=True)
class Break:
    """A build or settings of Redis that do not stand a fault, and the fault, done when."""

    fault: str
    build: Broken | None = None
    at_s: tuple[float, ...] = (0.5, 1.1, 1.7)
    hold_s: float = 0.2
    workers: int = 1
    seconds: float = 3
    rate: float = 200
    options: dict[str, str] = field(default_factory=dict)

    def plan(self) -> list[Step]:
        """Return the plan of a run."""
        return [Step(at_s, self.fault, self.hold_s, at) for at, at_s in enumerate(self.at_s)]


BREAKS = {
    "kill-worker": Break("kill-worker", broken.COMMIT_LATER, (1, 3.5), seconds=4),
    "stop-worker": Break(
        "stop-worker",
        broken.LEASE,
        at_s=(0.2, 0.9, 1.6, 2.3, 3.0, 3.7, 4.4),
        hold_s=0.6,
        workers=2,
        seconds=5,
    ),
    "kill-server": Break("kill-server", broken.CURSOR_BEFORE),
    "kill-server without AOF": Break("kill-server", options={"appendonly": "no"}),
    "flush-scripts": Break("flush-scripts", broken.NO_RELOAD),
    "cut-workers": Break("cut-workers", broken.UNCONFIRMED),
    "delay-workers": Break("delay-workers", broken.IMPATIENT, hold_s=1),
    "cut-producers": Break(
        "cut-producers",
        broken.NO_SEQ,
        at_s=tuple(0.3 + 0.2 * n for n in range(12)),
        hold_s=0.02,
        rate=2000,
    ),
    "delay-producers": Break("delay-producers", broken.NO_SEQ, hold_s=0.4),
    "scramble": Break("scramble", broken.NO_SEQ, hold_s=1),
    "fill-memory": Break("fill-memory", options={"maxmemory_policy": "allkeys-random"}),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BREAKS)
def test_a_build_that_does_not_stand_a_fault_is_found(
    server: EmbeddedServer, tmp_path: Path, name: str
) -> None:
    """Each fault makes the run fail where the build, or a setting of Redis, does not stand it."""
    one = BREAKS[name]
    config = Config(
        1,
        one.seconds,
        one.plan(),
        workers=one.workers,
        rate=one.rate,
        binary=server.binary,
        build=make_build(tmp_path, one.build),
        server_options=one.options,
        patience_s=4,
    )
    # Whether a fault meets its moment is chance, on a busy machine the more so.
    for _ in range(3):
        outcome = run(config, lambda _: None)
        assert outcome.done == {one.fault: outcome.done[one.fault]}
        verdict = outcome.verdict
        assert verdict.folded > 0, "the build does nothing at all"
        if verdict.lost or verdict.twice:
            break
    assert verdict.lost or verdict.twice, verdict
    assert not verdict.good


WRONG = {
    "trim": (broken.TRIMS_UNREAD, "lost"),
    "sums": (broken.ROUNDS, "figure"),
    "weights": (broken.NO_WEIGHTS, "figure"),
    "sketch": (broken.NO_SKETCH, "figure"),
    "sketch of all": (broken.SKETCH_LOSES, "the sketch of"),
    **{f"{name} of windows": (one, "figure") for name, one in broken.WINDOWS_LIE.items()},
    "late": (broken.LATE_UNTOLD, "`late` has 0 values"),
    "panes": (broken.KEEPS_NO_WINDOW, "the kept windows of"),
    "firing": (broken.FIRES_ON, "`firing` is not"),
    "no trim": (broken.NO_TRIM, "readings are kept"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", WRONG)
def test_a_build_that_is_wrong_by_itself_is_found(
    server: EmbeddedServer, tmp_path: Path, name: str
) -> None:
    """Whatever a build keeps or tells wrongly makes the run fail without any fault, and why."""
    build, said = WRONG[name]
    folder = make_build(tmp_path, build)
    config = Config(1, 2, [], binary=server.binary, build=folder, patience_s=4)
    verdict = run(config, lambda _: None).verdict
    assert verdict.folded > 0, "the build does nothing at all"
    assert not verdict.good
    if said == "lost":
        assert verdict.lost
    elif said == "figure":
        figures = [one for found in verdict.fields.values() for one in found]
        assert not all(one.right for one in figures)
    else:
        assert any(said in one for one in verdict.wrong), verdict.wrong


@pytest.mark.slow
def test_a_build_that_tells_twice_is_found(server: EmbeddedServer, tmp_path: Path) -> None:
    """A window that closes twice, or a change that is told twice, makes the run fail."""
    folder = make_build(tmp_path, broken.TELLS_TWICE)
    config = Config(1, 3, [], binary=server.binary, build=folder, patience_s=4)
    verdict = run(config, lambda _: None).verdict
    assert verdict.windows_twice > 0
    assert verdict.changes_twice > 0
    assert verdict.lost == verdict.twice == 0
    assert not verdict.good
