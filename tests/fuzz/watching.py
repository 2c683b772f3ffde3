"""Whatever the gateway logs as a fault of its own is a failure of the run."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager


class _Raising(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self.records.append(record)


@contextmanager
def no_faults() -> Iterator[None]:
    """Let nothing be logged as an error while the block runs.

    Raises:
        AssertionError: Something was.
    """
    log = logging.getLogger("figueira")
    watch = _Raising()
    propagates, log.propagate = log.propagate, False
    log.addHandler(watch)
    try:
        yield
    finally:
        log.removeHandler(watch)
        log.propagate = propagates
    for record in watch.records:
        raise AssertionError(f"{record.getMessage()}: {record.exc_info}")
