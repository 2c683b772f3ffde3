"""``figueira schema``: the JSON Schema of routes.yaml, for editors."""

from __future__ import annotations

import sys
from importlib.resources import files


def schema() -> int:
    """Print it.

    Returns:
        The exit code: 0.
    """
    sys.stdout.write(files("gateway.config").joinpath("routes.schema.json").read_text("utf-8"))
    return 0
