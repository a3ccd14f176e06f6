"""docs/alerts.rules.yml: the rules for Prometheus load, and say what they should."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

promql_parser = pytest.importorskip("promql_parser")

FILE = Path(__file__).parents[2] / "docs" / "alerts.rules.yml"
RULES: list[dict[str, Any]] = yaml.safe_load(FILE.read_text())["groups"][0]["rules"]

# Of 100 readings a second 2 are rejected for one reason, and half a reading for another.
REJECTS = f"""
rule_files: [{FILE}]
tests:
  - interval: 1m
    input_series:
      - series: rillet_processor_readings_total{{partition="0"}}
        values: 0+6000x60
      - series: rillet_processor_rejected_total{{partition="0", code="bad_value"}}
        values: 0+120x60
      - series: rillet_processor_rejected_total{{partition="0", code="bad_ts"}}
        values: 0+30x60
    alert_rule_test:
      - eval_time: 40m
        alertname: RilletManyRejects
        exp_alerts:
          - exp_labels: {{ severity: warning, code: bad_value }}
            exp_annotations:
              summary: More than 1% of the readings are rejected as bad_value.
"""


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_every_rule_is_promql(rule: dict[str, Any]) -> None:
    """Each expression is of the language, its vectors matched as they may be."""
    assert promql_parser.parse(rule["expr"])


def test_a_reason_for_many_rejects_is_told_apart(tmp_path: Path) -> None:
    """Prometheus' own tool takes the file, and the reason of over 1% of readings fires alone."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("no promtool on PATH: `sudo apt-get install prometheus`")
    (tmp_path / "rejects.yml").write_text(REJECTS)
    for command in (
        ["check", "rules", str(FILE)],
        ["test", "rules", str(tmp_path / "rejects.yml")],
    ):
        done = subprocess.run([promtool, *command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
