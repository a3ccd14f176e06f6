"""The private server of the demo and the tests (rillet/embedded.py)."""

import signal
import subprocess
from typing import Any

import pytest

from rillet.embedded import EmbeddedServer


def test_a_server_is_not_left_behind_by_a_signal_amid_its_start(
    server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C between the start of the process and the next line ends the process as well."""
    started = []

    class Interrupted(subprocess.Popen[Any]):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            started.append(self)
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("rillet.embedded.subprocess.Popen", Interrupted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # other tests set their own
    try:
        with pytest.raises(KeyboardInterrupt), EmbeddedServer(binary=server.binary):
            pass
    finally:
        signal.signal(signal.SIGINT, before)
    (process,) = started
    assert process.poll() is not None
