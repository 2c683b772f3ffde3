"""Whoever waits notices the end of the process."""

from __future__ import annotations

import threading

import pytest

from legacy_stub.stopping import Stopping, StoppingError

PATIENCE_S = 20.0


def test_what_is_called_answers_or_raises_for_the_caller() -> None:
    stopping = Stopping()
    assert stopping.await_(lambda: 5) == 5
    for error in (ValueError, TimeoutError):

        def fail(error: type[Exception] = error) -> None:
            raise error

        with pytest.raises(error):
            stopping.await_(fail)
    stopping.sleep(0)


def test_a_stop_ends_a_wait_for_another_machine() -> None:
    """The call is left to itself: nothing could end it."""
    stopping, begun, go_on = Stopping(), threading.Event(), threading.Event()

    def call() -> None:
        begun.set()
        assert go_on.wait(PATIENCE_S)

    def stop() -> None:
        assert begun.wait(PATIENCE_S)
        stopping.set()

    thread = threading.Thread(target=stop)
    thread.start()
    with pytest.raises(StoppingError):
        stopping.await_(call)
    go_on.set()
    thread.join(PATIENCE_S)


def test_after_a_stop_nobody_begins_to_wait() -> None:
    stopping = Stopping()
    stopping.set()
    with pytest.raises(StoppingError):
        stopping.sleep(PATIENCE_S)
