"""The gateway's own log: one line an event, on standard error."""

from __future__ import annotations

import logging
import sys

from gateway.telemetry.events import Event, write_event

_log = logging.getLogger("figueira")


def start_log(process: str) -> None:
    """Send the log of this process to standard error, under its name."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        logging.Formatter(f"%(asctime)s %(levelname)s {process}: %(message)s", "%Y-%m-%dT%H:%M:%S")
    )
    _log.handlers[:] = [handler]
    _log.setLevel(logging.INFO)
    _log.propagate = False


def note(event: Event, **values: object) -> None:
    """Log what went as it should."""
    _log.info("%s", write_event(event, **values))


def warn(event: Event, **values: object) -> None:
    """Log what an operator should look at."""
    _log.warning("%s", write_event(event, **values))
