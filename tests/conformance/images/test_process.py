"""The real process: it starts, says so, and stops when told to."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from tests.support.processes import running


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_service_with_code_0(tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-m", "image_service", "--host", "127.0.0.1", "--port", "0"]
    with running(command, folder=tmp_path) as process:
        started = process.wait_for_line(r"image_service: listening on http://127\.0\.0\.1:\d+ .*")
        assert (process.stop(number), process.stderr) == (0, [started[0]])
