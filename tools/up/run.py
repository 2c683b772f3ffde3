"""Runs the parts: starts them, waits for them, shows what they say, stops them all."""

from __future__ import annotations

import contextlib
import http.client
import selectors
import signal
import socket
import time
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import urlsplit

from tools.up.child import Child
from tools.up.parts import Part
from tools.up.screen import Screen

READY_S = 30.0
"""Ten times what a slow machine takes."""
_ASK_EVERY_S = 0.2
_LOOK_EVERY_S = 1.0
"""Whether anybody still reads; programs with nothing to do say nothing for hours."""
_ANSWER_S = 1.0
"""While we wait for an answer nothing is shown, so not for long."""
_LAST_WORDS_S = 0.2
"""A dead program's pipe is empty at once, unless a child of its own still holds it."""
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Run:
    """One `make up`.

    Args:
        parts: What to run, in the order of starting; stopping goes the other way round, so that
            requests in flight still find who answers them.
        screen: Where to show it.
        banner: Shown once all parts are ready.
    """

    def __init__(self, parts: Sequence[Part], screen: Screen, banner: str) -> None:
        self._parts = parts
        self._screen = screen
        self._banner = banner
        self._selector = selectors.DefaultSelector()
        self._children: list[Child] = []
        self._signals = 0
        """How often we were told to stop."""

    def run(self, environ: Mapping[str, str]) -> int:
        """Run until told to stop, or until a part ends.

        Returns:
            0 if we were told to and every part stopped by itself, else 1.
        """
        self._catch_signals()
        try:
            for part in self._parts:
                self._start(part, environ)
            was_told = self._watch_until_ready() and self._watch()
            return 0 if self._stop() and was_told else 1
        finally:
            for child in self._alive():
                child.kill()
                child.bury()

    def _catch_signals(self) -> None:
        read_end, write_end = socket.socketpair()
        read_end.setblocking(False)
        write_end.setblocking(False)
        signal.set_wakeup_fd(write_end.fileno())
        self._write_end = write_end  # or it would be closed with this call
        for number in (*_STOP_SIGNALS, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)
        self._selector.register(read_end, selectors.EVENT_READ)

    def _start(self, part: Part, environ: Mapping[str, str]) -> None:
        child = Child(part, environ)
        self._children.append(child)
        self._selector.register(child.output, selectors.EVENT_READ, child)

    # Waiting: signals, lines and ends all come through `_take_in`.

    def _take_in(self, timeout_s: float | None) -> list[Child]:
        """Wait for anything to happen, show what was said; return who has ended."""
        for key, _ in self._selector.select(timeout_s):
            if isinstance(key.data, Child):
                self._show(key.data)
            elif isinstance(key.fileobj, socket.socket):
                self._count_signals(key.fileobj)
        ended = [child for child in self._alive() if child.has_ended()]
        for child in ended:
            self._show_last_words(child)
            child.bury()
        return ended

    def _count_signals(self, read_end: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError):
            numbers = read_end.recv(4096)
            self._signals += sum(number in _STOP_SIGNALS for number in numbers)

    def _show(self, child: Child) -> bool:
        """Show what it has said; whether there is more to come."""
        lines, is_all = child.read()
        for line in lines:
            self._screen.line(child.part.name, line)
        if is_all:
            self._selector.unregister(child.output)
            child.output.close()
        return not is_all

    def _show_last_words(self, child: Child) -> None:
        deadline_s = time.monotonic() + _LAST_WORDS_S
        if child.output.closed:
            return
        with selectors.DefaultSelector() as pipe:
            pipe.register(child.output, selectors.EVENT_READ)
            while pipe.select(max(deadline_s - time.monotonic(), 0)):
                if not self._show(child):
                    return
        self._selector.unregister(child.output)
        child.output.close()

    def _is_told(self) -> bool:
        """Whether a signal told us to stop, or nobody is there any more to read what we show."""
        return self._signals > 0 or self._screen.is_gone

    def _alive(self) -> list[Child]:
        return [child for child in self._children if child.is_alive]

    # The three stretches of a run

    def _watch_until_ready(self) -> bool:
        """Until all parts answer; False if one ended, or was not ready in time."""
        deadline_s = time.monotonic() + READY_S
        waiting = list(self._parts)
        while waiting and not self._is_told():
            if self._report(self._take_in(_ASK_EVERY_S)):
                return False
            waiting = [part for part in waiting if not _is_ready(part.ready_url)]
            if waiting and time.monotonic() > deadline_s:
                late = waiting[0]
                self._screen.say(
                    f"{late.name} does not answer at {late.ready_url} after {READY_S:g} s; "
                    "stopping everything"
                )
                return False
        if not waiting:
            self._screen.banner(self._banner)
        return True

    def _watch(self) -> bool:
        """Until we are told to stop; False if a part ended before that."""
        while not self._is_told():
            if self._report(self._take_in(_LOOK_EVERY_S)):
                return False
            self._screen.look()
        return True

    def _report(self, ended: Iterable[Child]) -> bool:
        """Say who has ended; whether anybody has."""
        for child in ended:
            self._screen.say(f"{child.part.name} {_how(child)}; stopping the others")
            return True
        return False

    def _stop(self) -> bool:
        """Stop the parts, the last one first; whether each stopped by itself and cleanly."""
        if self._signals:
            self._screen.say("stopping (Ctrl-C again kills)")
        already = self._signals
        is_clean = True
        for child in reversed(self._children):
            if child.is_alive and not child.has_ended():
                is_clean = self._stop_one(child, already) and is_clean
        while self._alive():
            self._take_in(0)
        return is_clean

    def _stop_one(self, child: Child, already: int) -> bool:
        deadline_s = time.monotonic() + child.part.stop_s
        child.stop()
        while child.is_alive and self._signals == already:
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                self._screen.say(f"{child.part.name} does not stop in {child.part.stop_s:g} s")
                break
            self._take_in(left_s)
        if child.is_alive:
            child.kill()
        while child.is_alive:
            self._take_in(None)
        # It may be told to stop before it has learnt how: then the signal itself ends it.
        if child.exit_code in {0, -signal.SIGTERM}:
            return True
        self._screen.say(f"{child.part.name} {_how(child)}")
        return False


def _how(child: Child) -> str:
    code = child.exit_code
    if code is not None and code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"


def _is_ready(url: str) -> bool:
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.netloc, timeout=_ANSWER_S)
    try:
        connection.request("GET", address.path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
