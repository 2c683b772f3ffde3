"""``python -m image_service``: ``figueira-images serve`` without its extra."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from image_service.cli import run_serve
from image_service.settings import DEFAULT_HOST, DEFAULT_PORT


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the service; ``arguments`` None takes the process's own.

    Returns:
        The exit code: 0 after a signal, 1 when the service could not start (one line on stderr
        says why).
    """
    return run_serve(_flags(arguments))


def _flags(arguments: Sequence[str] | None) -> dict[str, str]:
    """Return the flags that were given, as the variables that they override."""
    parser = argparse.ArgumentParser(
        prog="python -m image_service", description="Orders pictures, keeps them, serves them."
    )
    parser.add_argument(
        "--host", dest="IMAGE_HOST", help=f"address to listen on (IMAGE_HOST, {DEFAULT_HOST})"
    )
    parser.add_argument(
        "--port", dest="IMAGE_PORT", help=f"port to listen on, 0 = any (IMAGE_PORT, {DEFAULT_PORT})"
    )
    given: dict[str, str | None] = vars(parser.parse_args(arguments))
    return {variable: value for variable, value in given.items() if value is not None}


if __name__ == "__main__":
    sys.exit(main())
