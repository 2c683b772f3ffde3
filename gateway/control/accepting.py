"""Takes customers' connections from the socket that all workers share.

uvicorn leaves that to uvloop's listener, which takes what it can get, also when another worker has
less to do, and ends for good when descriptors run out. Here a worker takes one connection at a
time, lets others go first for a moment when it is ahead of them, and takes none while it is full.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, cast

from gateway.control.balance import Place, Rival
from gateway.control.fullness import Fullness
from gateway.control.handshakes import Handshakes
from gateway.control.log import warn
from gateway.proxy.upstream import WRITE_BUFFER_BYTES
from gateway.telemetry.arrivals import Arrivals
from gateway.telemetry.events import Event

PATIENCE_S = 0.003
"""How long a worker that is ahead lets others go first: they need far less unless they are busy,
and a customer does not feel it."""
_IDLE_S = 0.000_05
"""Asked again after less, a worker has nothing else to do."""
_NAP_S = 0.000_001
"""Then it gives its core away for as long as the system takes to wake it, some 60 us."""
_IN_A_ROW_FOR_MORE = 4
"""So often a worker finds a connection before it looks for one more each time: a busy one comes
round too seldom to take one by one what waits, and a try for nothing costs as much as two."""
_MAX_IN_A_ROW = 15 * _IN_A_ROW_FOR_MORE
_REST_S = 0.1
"""Before the next try when a connection could not be taken: ten tries a second cost nothing."""
_HANDSHAKE_PATIENCE_S = 10.0
"""For TLS to be set up; as long as for a request's head."""
_SHUTDOWN_PATIENCE_S = 24 * 3600.0
"""For TLS to be ended: never; the door looks after who reads the end of an answer, and for how
long, and uvloop's own watch would cut whoever reads for longer, however steadily."""
MakeDoor = Callable[[], asyncio.Protocol]
_Work = Coroutine[Any, Any, tuple[asyncio.Transport, asyncio.Protocol]]


class Connections(set[Any]):
    """uvicorn's set of open connections, which says when one has ended."""

    def __init__(self, ended: Callable[[], None]) -> None:
        super().__init__()
        self._ended = ended

    def discard(self, door: Any) -> None:
        """Note that a connection is gone; called once for each."""
        super().discard(door)
        self._ended()


class _Taken:
    """A connection, with no more than uvloop asks of one that it is handed.

    A socket object would do, and cost a tenth of all that a short connection costs.
    """

    __slots__ = ("_descriptor", "address")
    family = socket.AF_INET
    """Or AF_INET6, of which uvloop makes nothing else."""
    type = socket.SOCK_STREAM

    def __init__(self, descriptor: int, address: tuple[str, int]) -> None:
        self._descriptor = descriptor
        self.address = address
        """Whose it is; the rest of an IPv6 one may follow."""

    def fileno(self) -> int:
        """The descriptor; the transport's, once there is one."""
        return self._descriptor

    def close(self) -> None:
        """Called when the transport has closed the descriptor: nothing is left to do."""


class _Listener(socket.socket):
    """Where connections are taken from."""

    def take(self) -> _Taken:
        """Take a connection.

        Raises:
            OSError: As `accept` does.
        """
        return _Taken(*self._accept())  # type: ignore[attr-defined]  # what socket.accept calls


class Acceptor:
    """Takes connections for one worker."""

    def __init__(
        self,
        listener: socket.socket,
        place: Place,
        *,
        limit: int,
        tls: Callable[[], ssl.SSLContext] | None,
    ) -> None:
        """Take nothing yet.

        Args:
            listener: Listens already; belongs to the acceptor from now on.
            place: Where this worker shows how many it has.
            limit: Connections open at a time, at most.
            tls: The context for the next connection; None for plain TCP.
        """
        self.connections = Connections(self._ended)
        self.open_connections = 0
        """Taken and not ended, those included for which TLS is still being set up."""
        self._listener = _Listener(fileno=listener.detach())
        self._place = place
        self._limit = limit
        self._tls = tls
        self._beginning: dict[_Work, _Taken] = {}
        """Taken, and not handed to their doors yet."""
        self._make_door: MakeDoor | None = None
        self._is_listening = False
        self._resting: asyncio.TimerHandle | None = None
        self._has_failed = False
        self._asked_s = self._patient_since_s = 0.0
        self._patience_s = PATIENCE_S
        self._rival: Rival | None = None
        self._in_a_row = 0
        """How often, lately, there was a connection to take."""
        self._fullness = Fullness()
        self._handshakes = Handshakes()

    def arrivals(self) -> Arrivals:
        """What has become of connections so far."""
        return Arrivals(
            limit=self._limit,
            full=int(self._fullness.is_full),
            full_s=self._fullness.total_s(time.monotonic()),
            handshakes_failed=dict(self._handshakes.failed),
        )

    @contextmanager
    def open(self, make_door: MakeDoor) -> Iterator[None]:
        """Take connections while the block runs."""
        self._listener.setblocking(False)
        self._make_door = make_door
        self._place.show(0)
        self._listen()
        try:
            yield
        finally:
            self._make_door = None
            self._hold()
            self._listener.close()
            if self._tls is not None:
                # Whoever is still setting up TLS has asked for nothing. Others stand already, and
                # are told by their door, which hears of them a turn of the loop later.
                beginning, self._beginning = self._beginning, {}
                for work in beginning:
                    work.close()

    # Listening, or not

    def _listen(self) -> None:
        """Take connections, if there is room and no reason to wait."""
        if self._make_door is None or self._is_listening or self._resting is not None:
            return
        if self.open_connections < self._limit:
            self._is_listening = True
            asyncio.get_running_loop().add_reader(self._listener, self._on_readable)

    def _hold(self) -> None:
        """Let connections wait in the kernel, and no other worker wait for this one."""
        self._place.leave()
        if self._is_listening:
            self._is_listening = False
            asyncio.get_running_loop().remove_reader(self._listener)
        if self._resting is not None:
            self._resting.cancel()
            self._resting = None

    def _ended(self) -> None:
        self.open_connections -= 1
        if self._fullness.is_full:
            self._fullness.end(time.monotonic())
        if self._is_listening:
            self._place.show(self.open_connections)
        else:
            self._listen()

    # Taking

    def _on_readable(self) -> None:
        """Take a connection, more if they have kept coming, unless another worker should."""
        for _ in range(1 + self._in_a_row // _IN_A_ROW_FOR_MORE):
            rival = self._place.rival()
            is_ahead = self._place.is_ahead(self.open_connections, rival.connections)
            if (is_ahead and self._is_patient(rival)) or not self._take():
                return
        self._in_a_row = min(self._in_a_row + 1, _MAX_IN_A_ROW)

    def _take(self) -> bool:
        """Take a connection; whether there was one, and there is room for another."""
        try:
            taken = self._listener.take()
        except (BlockingIOError, ConnectionAbortedError):
            self._in_a_row = 0
            return False
        except OSError as error:
            self._rest(error)
            return False
        self._has_failed = False
        self.open_connections = count = self.open_connections + 1
        self._place.show_taken(count)
        self._begin(taken)
        if count < self._limit:
            return True
        self._hold()
        if self._fullness.begin(time.monotonic()):
            warn(Event.CONNECTIONS_FULL, limit=self._limit)
        return False

    def _is_patient(self, rival: Rival) -> bool:
        """Whether to let another go first once more; the loop asks again at once if it does not.

        With each connection that it leaves patience halves, for it may hang.
        """
        now_s = time.perf_counter()
        since_asked_s, self._asked_s = now_s - self._asked_s, now_s
        if rival != self._rival or since_asked_s > PATIENCE_S:
            self._rival, self._patient_since_s, self._patience_s = rival, now_s, PATIENCE_S
        if now_s - self._patient_since_s > self._patience_s:
            self._patient_since_s = now_s
            self._patience_s /= 2
            return False
        if since_asked_s < _IDLE_S:
            time.sleep(_NAP_S)
            self._asked_s = time.perf_counter()
        return True

    def _rest(self, error: OSError) -> None:
        """Try again later: descriptors or memory have run out."""
        if not self._has_failed:
            self._has_failed = True
            warn(Event.ACCEPT_FAILED, why=error.strerror, open=self.open_connections)
        self._hold()
        self._resting = asyncio.get_running_loop().call_later(_REST_S, self._on_rested)

    def _on_rested(self) -> None:
        self._resting = None
        self._place.show(self.open_connections)
        self._listen()

    # Beginning

    def _begin(self, taken: _Taken) -> None:
        """Hand a connection to a door of its own.

        At once: a task would begin a turn of the loop later, and cost as much as taking it did.
        """
        work = asyncio.get_running_loop().connect_accepted_socket(
            cast("MakeDoor", self._make_door), cast("socket.socket", taken), **self._tls_arguments()
        )
        try:
            begun = work.send(None)
        except OSError:
            # It has been cut already, which some systems say only now.
            os.close(taken.fileno())
            self._ended()
            return
        self._beginning[work] = taken
        begun.add_done_callback(partial(self._finish, work))

    def _tls_arguments(self) -> dict[str, Any]:
        if self._tls is None:
            return {}
        return {
            "ssl": self._tls(),
            "ssl_handshake_timeout": _HANDSHAKE_PATIENCE_S,
            "ssl_shutdown_timeout": _SHUTDOWN_PATIENCE_S,
        }

    def _finish(self, work: _Work, _: asyncio.Future[Any]) -> None:
        taken = self._beginning.pop(work, None)
        if taken is None:
            return
        try:
            work.send(None)
        except StopIteration as finished:
            if self._tls is not None:
                finished.value[0].set_read_buffer_limits(WRITE_BUFFER_BYTES)
        except OSError as error:
            # The customer left, or speaks no TLS that we do: the transport has closed itself.
            if self._tls is not None:
                self._handshakes.note_failure(error, taken.address[0], time.monotonic())
            self._ended()
