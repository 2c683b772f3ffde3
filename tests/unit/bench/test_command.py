"""The command runs in an environment of its own, which has not what the deployables need."""

from __future__ import annotations

import subprocess
import sys

_LOOK = (
    "import sys, bench.__main__\n"
    "ours = {'gateway', 'image_service', 'legacy_stub', 'pydantic', 'sqlalchemy', 'httpx'}\n"
    "sys.exit(', '.join(sorted(ours & sys.modules.keys())) or 0)"
)


def test_the_command_imports_nothing_of_the_programs_that_it_measures() -> None:
    done = subprocess.run(  # noqa: S603 - our own interpreter, no shell
        [sys.executable, "-c", _LOOK], check=False, capture_output=True, text=True, timeout=20
    )
    assert (done.returncode, done.stderr) == (0, "")
