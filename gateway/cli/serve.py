"""`figueira serve`."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from gateway.app import serve as run
from gateway.errors import ConfigError, StartError
from gateway.settings import read_settings


def serve(flags: Mapping[str, object]) -> int:
    """Run the gateway; return the exit code. What keeps it from starting is said in plain lines."""
    try:
        settings = read_settings(os.environ, flags)
    except StartError as error:
        return _complain(str(error))
    try:
        return run(settings)
    except ConfigError as error:
        for problem in error.problems:
            sys.stderr.write(problem.describe(str(settings.config)) + "\n")
        return 1
    except StartError as error:
        return _complain(str(error))


def _complain(why: str) -> int:
    sys.stderr.write(f"figueira: error: {why}\n")
    return 1
