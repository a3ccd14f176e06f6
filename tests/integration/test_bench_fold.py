"""`rillet bench fold --quick`: the benchmark runs, and has each of its rows."""

from typer.testing import CliRunner

from bench.command import bench


def test_the_benchmark_of_the_fold_runs() -> None:
    """Every row is there, with figures of this machine; their size is not judged here."""
    done = CliRunner().invoke(bench, ["fold", "--quick"], env={"COLUMNS": "200"})
    assert done.exit_code == 0, done.output
    rows = ["XADD only", "fold, 1 sensor", "fold, 100 sensors", "fold, 10,000 sensors"]
    rows += ["values of 100", "packed of 100", "one EVALSHA a reading", "read, modify, write"]
    for row in [*rows, "p99.9", "1,000", "10,000", "bytes a sensor"]:
        assert row in done.output, row
