"""The supervisor: holds the listening sockets, keeps control and the workers alive.

It is small on purpose, and does nothing that could fail while serving. Since it alone holds the
customers' socket for good, no connection is refused while a worker is replaced; since it remembers
the last accepted revision, a new child serves by it even if routes.yaml is broken by then.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

from gateway.control.certificate import Certificate
from gateway.control.children import CANNOT_START, FAULT, SIGNALS, Child, Work, fork
from gateway.control.log import note, warn
from gateway.control.messages import (
    Accepted,
    CertificateSeen,
    ControlLinked,
    Draining,
    FrameError,
    Left,
    Linked,
)
from gateway.control.watchdog import Watchdog
from gateway.telemetry.events import Event

_SETTLED_S = 1.0
"""A child that lived this long is replaced at once; one that did not, after a pause."""
_PAUSE_S = 0.5
"""Short enough that a dead child is back within a second, long enough not to burn a core."""
_KILL_AFTER_S = 5.0
"""Beyond the workers' own patience, for their last access lines."""
_CONTROL_PATIENCE_S = 5.0
"""Beyond its own patience with the database and with whoever asks on the admin port."""
CONTROL = "control"


@dataclass(slots=True, kw_only=True)
class SupervisorPlan:
    """What the supervisor keeps alive."""

    listener: socket.socket
    """The customers' socket."""
    admin_listener: socket.socket
    workers: int
    drain_s: float
    control: Callable[[Accepted | None, Left | None], Work]
    """What control does, given what an earlier one told us (None at the start)."""
    worker: Callable[[int, Accepted], Work]
    """What a worker does, given its index and what to route by."""
    started: Callable[[int], None]
    """Called once when customers are served, with the revision."""
    worker_gone: Callable[[int], None]
    """Called with the index of each worker that has ended."""
    certificate: Certificate | None
    """What customers are shown; looked at again at SIGHUP. None for plain HTTP."""


class Supervisor:
    """One `figueira serve`."""

    def __init__(self, plan: SupervisorPlan) -> None:
        self._plan = plan
        self._selector = selectors.DefaultSelector()
        self._wake_read, self._wake_write = socket.socketpair()
        self._children: dict[int, Child] = {}
        self._due: list[tuple[float, str, int, int]] = []
        """Children to start: when, name, index, restarts."""
        self._accepted: Accepted | None = None
        self._left: Left | None = None
        self._watchdog = Watchdog()
        """Of control: nothing else reads what it should say."""
        self._signals: list[int] = []
        self._is_stopping = False

    def run(self) -> int:
        """Run until told to stop.

        Returns:
            0 after a clean stop; 1 if control could not start (which has been said), or if
            something had to be killed.
        """
        self._catch_signals()
        self._start(CONTROL, 0, 0)
        while self._accepted is None:
            if not self._children:
                return 1
            self._wait(None)
            if self._asked_to_stop():
                return self._stop()
        for index in range(self._plan.workers):
            self._start("worker", index, 0)
        self._plan.started(self._accepted.revision)
        while not self._asked_to_stop():
            self._wait(self._until_due())
            self._start_due()
            self._look_after_control()
        return self._stop()

    # Signals and waiting

    def _catch_signals(self) -> None:
        self._wake_read.setblocking(False)
        self._wake_write.setblocking(False)
        signal.set_wakeup_fd(self._wake_write.fileno())
        for number in SIGNALS:
            signal.signal(number, lambda *_: None)
        self._selector.register(self._wake_read, selectors.EVENT_READ)

    def _wait(self, timeout_s: float | None) -> None:
        """Wait for signals and for control's messages; take both in."""
        for key, _ in self._selector.select(timeout_s):
            if key.fileobj is self._wake_read:
                with contextlib.suppress(BlockingIOError):
                    self._signals += self._wake_read.recv(4096)
            else:
                self._read(key.data)
        if signal.SIGCHLD in self._signals:
            self._signals = [number for number in self._signals if number != signal.SIGCHLD]
            self._reap()
        if signal.SIGHUP in self._signals:
            self._signals = [number for number in self._signals if number != signal.SIGHUP]
            self._tell(CONTROL, signal.SIGHUP)
            if self._plan.certificate is not None:
                self._renew(self._plan.certificate)

    def _read(self, control: Child) -> None:
        """Take in what control says."""
        try:
            messages = control.lifeline.read()
        except FrameError:
            self._kill(control)
            messages = None
        if messages is None:
            self._selector.unregister(control.lifeline.end)
            return
        self._watchdog.heard()
        for message, _ in messages:
            if isinstance(message, Accepted):
                self._accepted = message
            elif isinstance(message, Left):
                self._left = message

    def _renew(self, certificate: Certificate) -> None:
        """Look at the certificate's files again; a child that is forked later has the last good."""
        is_new = certificate.renew()
        if certificate.problem:
            warn(Event.CERTIFICATE_REFUSED, problem=certificate.problem)
        elif is_new:
            note(Event.CERTIFICATE_ACCEPTED, sha256=certificate.fingerprint)
        for child in list(self._children.values()):
            # Who does not read hangs; it would show the old certificate for ever.
            if not child.lifeline.send(CertificateSeen(certificate.problem)):
                self._kill(child)

    def _asked_to_stop(self) -> bool:
        return signal.SIGTERM in self._signals or signal.SIGINT in self._signals

    def _until_due(self) -> float:
        now_s = time.monotonic()
        until_look_s = self._watchdog.until_look_s(now_s)
        return min([until_look_s, *(max(due[0] - now_s, 0) for due in self._due)])

    def _look_after_control(self) -> None:
        """Replace a control that hangs; one that dies is noticed without looking."""
        if not self._watchdog.hangs(time.monotonic()):
            return
        self._watchdog.heard()
        for child in self._named(CONTROL):
            warn(Event.PROCESS_HANGS, process=child.name, index=child.index, pid=child.pid)
            self._kill(child)

    # Children

    def _start_due(self) -> None:
        now_s = time.monotonic()
        ready = [due for due in self._due if due[0] <= now_s]
        self._due = [due for due in self._due if due[0] > now_s]
        for _, name, index, restarts in ready:
            self._start(name, index, restarts)

    def _start(self, name: str, index: int, restarts: int) -> None:
        try:
            pid, lifeline = fork(*self._part(name, index), self._leave)
        except OSError as error:
            # No room for a process now; whoever is left serves on.
            warn(Event.FORK_FAILED, process=name, index=index, why=error.strerror)
            if self._accepted is not None:
                self._due.append((time.monotonic() + _PAUSE_S, name, index, restarts))
            return
        child = Child(
            name=name,
            index=index,
            pid=pid,
            lifeline=lifeline,
            started_s=time.monotonic(),
            restarts=restarts,
        )
        if name == CONTROL:
            self._watchdog.heard()
            self._selector.register(lifeline.end, selectors.EVENT_READ, child)
        self._children[pid] = child
        for other in list(self._children.values()):
            if other is not child and CONTROL in (other.name, child.name):
                self._link(*((other, child) if other.name == CONTROL else (child, other)))

    def _part(self, name: str, index: int) -> tuple[str, Work]:
        """What a child is called in its log lines, and what it does."""
        if name == CONTROL:
            return name, self._plan.control(self._accepted, self._left)
        assert self._accepted is not None  # noqa: S101 - workers start after control has spoken
        return f"worker-{index}", self._plan.worker(index, self._accepted)

    def _link(self, control: Child, worker: Child) -> None:
        """Give the two a new pair of sockets: a broken-off message can spoil no later one.

        Who cannot take its end has not read hundreds of messages: it hangs, and is replaced.
        """
        try:
            one, other = socket.socketpair()
        except OSError as error:
            warn(Event.FORK_FAILED, process=worker.name, index=worker.index, why=error.strerror)
            self._kill(worker)
            return
        with one, other:
            linked = Linked(worker.index, worker.pid, worker.restarts)
            if not control.lifeline.send(linked, one.fileno()):
                self._kill(control)
            if not worker.lifeline.send(ControlLinked(), other.fileno()):
                self._kill(worker)

    def _leave(self) -> None:
        """Close, in a child, what is the supervisor's alone: others' lifelines above all."""
        for child in self._children.values():
            child.lifeline.close()
        self._selector.close()
        self._wake_read.close()
        self._wake_write.close()

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            # As process 1 of a container we inherit others' orphans, too.
            if child := self._children.pop(pid, None):
                self._bury(child, os.waitstatus_to_exitcode(status))

    def _bury(self, child: Child, code: int) -> None:
        if child.name == CONTROL:
            self._read_last_words(child)
        else:
            self._plan.worker_gone(child.index)
        child.lifeline.close()
        if self._is_stopping:
            return
        if self._accepted is None:
            if code not in {CANNOT_START, FAULT}:
                warn(Event.PROCESS_DIED, process=child.name, pid=child.pid, exit=code)
            return
        lived_s = time.monotonic() - child.started_s
        pause_s = 0.0 if lived_s >= _SETTLED_S else _PAUSE_S
        warn(
            Event.PROCESS_DIED,
            process=child.name,
            index=child.index,
            pid=child.pid,
            exit=code,
            back_in_s=pause_s,
        )
        due_s = time.monotonic() + pause_s
        self._due.append((due_s, child.name, child.index, child.restarts + 1))

    def _read_last_words(self, control: Child) -> None:
        """Take in what control said just before it died: the workers may have heard it, too."""
        while any(key.data is control for key, _ in self._selector.select(0)):
            self._read(control)
        with contextlib.suppress(KeyError):
            self._selector.unregister(control.lifeline.end)

    # Stopping

    def _stop(self) -> int:
        """Drain: workers end their requests, then control goes; a second signal ends all now."""
        self._signals = []
        self._is_stopping = True
        note(Event.DRAINING, patience_s=self._plan.drain_s)
        for child in self._named(CONTROL):
            child.lifeline.send(Draining())
        self._plan.listener.close()
        is_clean = self._end("worker", self._plan.drain_s + _KILL_AFTER_S)
        is_clean = self._end(CONTROL, _CONTROL_PATIENCE_S) and is_clean
        note(Event.STOPPED, clean=is_clean)
        return 0 if is_clean else 1

    def _end(self, name: str, patience_s: float) -> bool:
        """Ask the children of a name to end and wait for them; whether none had to be killed."""
        self._tell(name, signal.SIGTERM)
        deadline_s = time.monotonic() + patience_s
        while self._named(name):
            left_s = deadline_s - time.monotonic()
            self._wait_stopping(max(left_s, 0))
            if left_s <= 0 or self._asked_to_stop():
                self._tell(name, signal.SIGKILL)
                deadline_s = time.monotonic() + patience_s
                while self._named(name):
                    self._wait_stopping(patience_s)
                return False
        return True

    def _wait_stopping(self, timeout_s: float) -> None:
        self._wait(timeout_s)
        self._due.clear()

    def _named(self, name: str) -> list[Child]:
        return [child for child in self._children.values() if child.name == name]

    def _tell(self, name: str, number: int) -> None:
        for child in self._named(name):
            os.kill(child.pid, number)

    def _kill(self, child: Child) -> None:
        """End a child that is of no use any more; it is replaced as any that dies."""
        os.kill(child.pid, signal.SIGKILL)
