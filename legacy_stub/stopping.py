"""The end of the process, for threads that wait: whoever waits here notices it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

NOTICED_WITHIN_S = 0.25  # a stop; what is waited for is noticed at once

T = TypeVar("T")


class StoppingError(Exception):
    """The process ends while an image order waits: the order stays ``pendente``."""


class Stopping:
    """Whether the process is to end."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        """End every wait, now and from now on."""
        self._event.set()

    def sleep(self, seconds: float) -> None:
        """Spend time.

        Raises:
            StoppingError: The process ends meanwhile.
        """
        if self._event.wait(seconds):
            raise StoppingError

    def await_(self, call: Callable[[], T]) -> T:
        """Return what ``call`` returns, or raise what it raises.

        It runs in a thread of its own: one that waits for another machine, perhaps for minutes,
        would keep the process from ending.

        Raises:
            StoppingError: The process ends meanwhile; the call is left to itself.
        """
        future: Future[T] = Future()
        threading.Thread(target=_run, args=(future, call), daemon=True, name="legacy-call").start()
        while not self._event.is_set():
            try:
                return future.result(NOTICED_WITHIN_S)
            except TimeoutError:
                if future.done():  # its own, not that of our look
                    raise
        raise StoppingError


def _run(future: Future[T], call: Callable[[], T]) -> None:
    try:
        future.set_result(call())
    except BaseException as error:  # noqa: BLE001 - the thread's root: whoever waits gets it
        future.set_exception(error)
