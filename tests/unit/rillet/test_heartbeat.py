"""rillet/heartbeat.py: a fresh file means that nothing in the process stands still."""

import shutil
from pathlib import Path

from structlog.testing import capture_logs

from rillet.heartbeat import Pulse
from rillet.settings import Settings


def test_the_file_is_touched_only_when_all_made_progress(tmp_path: Path) -> None:
    """One member that stands still keeps the file from being touched, whatever the others do."""
    file = tmp_path / "beat"
    pulse = Pulse(Settings(heartbeat_file=file), ["a", "b"])
    for _ in range(3):
        pulse.beat("a")
    assert not file.exists()
    pulse.beat("b")
    assert file.exists()
    file.unlink()
    pulse.beat("b")
    assert not file.exists()
    pulse.beat("a")
    assert file.exists()


def test_a_file_that_cannot_be_touched_is_told_once(tmp_path: Path) -> None:
    """A folder that is gone is one line, not an exception; the file is touched once it is back."""
    file = tmp_path / "folder" / "beat"
    pulse = Pulse(Settings(heartbeat_file=file), ["a"])
    with capture_logs() as lines:
        for _ in range(3):
            pulse.beat("a")
        assert [line["event"] for line in lines] == ["heartbeat.failing"]
        file.parent.mkdir()
        pulse.beat("a")
    assert file.exists()
    shutil.rmtree(file.parent)


def test_without_a_setting_nothing_is_touched(tmp_path: Path) -> None:
    """Where no file is set, a beat does nothing."""
    Pulse(Settings(heartbeat_file=None), ["a"]).beat("a")
    assert list(tmp_path.iterdir()) == []
