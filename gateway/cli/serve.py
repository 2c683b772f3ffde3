"""`figueira serve`."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from gateway.app import serve as run
from gateway.errors import ConfigError, StartError
from gateway.settings import read_settings

_RESUME = "with --resume the last accepted revision serves until the file is mended"


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
        if not settings.resume and _may_have_history(settings.database_url):
            sys.stderr.write(f"figueira: note: {_RESUME}\n")
        return 1
    except StartError as error:
        return _complain(str(error))


def _may_have_history(database_url: str) -> bool:
    """Whether there may be a revision to resume: an SQLite file that is not there holds none."""
    kind, _, file = database_url.partition(":///")
    return not kind.startswith("sqlite") or Path(file.partition("?")[0]).exists()


def _complain(why: str) -> int:
    sys.stderr.write(f"figueira: error: {why}\n")
    return 1
