"""The whole data path without a socket or a loop: bytes in at either end, bytes out at the other.

Only the transports are not the real thing, so that hundreds of connections take milliseconds and
each of them does the same every time.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any, cast

from uvicorn.config import Config
from uvicorn.server import ServerState

from gateway.errors import Cause, Source, Stage, UpstreamError
from gateway.proxy.access_log import AccessLog
from gateway.proxy.addresses import AddressState
from gateway.proxy.direct import DirectConnection
from gateway.proxy.gateway import Gateway
from gateway.proxy.pool import Pool
from gateway.proxy.upstream import UpstreamConnection
from gateway.routing.snapshot import Address, Backend, Match, Route, Snapshot, Trust

_CONFIG = Config("none")
_SNAPSHOT = Snapshot(
    digest="0" * 64,
    trust=Trust(),
    backends=(Backend(name="legacy", addresses=(Address(host="127.0.0.1", port=1),)),),
    routes=(Route(name="all", matches=(Match(path_prefix="/"),), backend="legacy"),),
)


class _NoSocket:
    """Takes the option that makes an end a cut."""

    def setsockopt(self, *_: object) -> None:
        """Do nothing."""


class End(asyncio.Transport):
    """Our transport, and what the other end of the connection sees and does."""

    def __init__(self, protocol: asyncio.Protocol, later: Callable[[Callable[[], None]], None]):
        super().__init__()
        self._protocol = protocol
        self._later = later
        self._unread: deque[bytes] = deque()
        self._is_paused = False
        self.came = bytearray()
        """What has come to the other end."""
        self.has_ended = False
        """Whether the connection is gone, for whatever reason."""
        self.was_cut = False
        """Whether it went by `abort`: a reset, or an end that drops what was unread."""
        protocol.connection_made(self)

    # The other end

    def send(self, *pieces: bytes) -> None:
        """Send pieces, each as one read; what is not read yet waits."""
        self._unread.extend(piece for piece in pieces if piece)
        self._deliver()

    def finish(self) -> None:
        """Say that nothing more will be sent, or close: both look the same."""
        if not self.has_ended and not self._protocol.eof_received():
            self.close()

    def lose(self) -> None:
        """Cut the connection."""
        self._end(ConnectionResetError("reset by peer"))

    def _deliver(self) -> None:
        while self._unread and not self._is_paused and not self.has_ended:
            self._protocol.data_received(self._unread.popleft())

    def _end(self, error: Exception | None) -> None:
        if not self.has_ended:
            self.has_ended = True
            self._later(lambda: self._protocol.connection_lost(error))

    # asyncio.Transport, as far as the data path uses it

    def write(self, data: bytes | bytearray | memoryview[int]) -> None:
        """Take bytes for the other end."""
        if not self.has_ended:
            self.came += data

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview[int]]) -> None:
        """Take bytes for the other end."""
        for data in list_of_data:
            self.write(data)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Let another protocol read from now on: the connection has become a tunnel's end."""
        self._protocol = cast("asyncio.Protocol", protocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Who reads."""
        return self._protocol

    def can_write_eof(self) -> bool:
        """Whether one direction can end alone."""
        return True

    def write_eof(self) -> None:
        """Say that nothing more will come; the other end closes then, as most do."""
        self.close()

    def close(self) -> None:
        """End in order."""
        self._end(None)

    def abort(self) -> None:
        """Cut."""
        self.was_cut = self.was_cut or not self.has_ended
        self._end(None)

    def is_closing(self) -> bool:
        """Whether it has ended."""
        return self.has_ended

    def pause_reading(self) -> None:
        """Let what the other end sends wait."""
        self._is_paused = True

    def resume_reading(self) -> None:
        """Take it after all, but not within the call."""
        self._is_paused = False
        self._later(self._deliver)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Nothing ever waits to be written here."""

    def get_write_buffer_size(self) -> int:
        """Nothing ever waits."""
        return 0

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Who is at the other end."""
        return {"peername": ("127.0.0.1", 9), "socket": _NoSocket()}.get(name, default)


class DataPath:
    """A gateway with one backend unless the test has more, and customers."""

    def __init__(self, snapshot: Snapshot = _SNAPSHOT) -> None:
        self.gateway = Gateway(snapshot, 1, AccessLog(None), lambda: 0.0)
        self.state = ServerState()
        self.backends: list[End] = []
        """The connections to backends, in the order in which they were made."""
        self.backend_of: dict[End, str] = {}
        self.refusing: set[str] = set()
        """Backends that take no connections."""
        self._pending: deque[Callable[[], None]] = deque()
        for pool in self.gateway._pools.values():
            self._connect_at_once(pool)

    def customer(self) -> End:
        """A customer who has just connected."""
        door = DirectConnection(
            config=_CONFIG,
            server_state=self.state,
            app_state={"gateway": self.gateway},
            _loop=cast("Any", SimpleNamespace(call_soon=self._pending.append)),
        )
        return End(door, self._pending.append)

    def settle(self) -> None:
        """Let everything happen that is under way."""
        while self._pending:
            self._pending.popleft()()

    def _connect_at_once(self, pool: Pool) -> None:
        def start_dial(state: AddressState) -> None:
            if pool.backend.name in self.refusing:
                self._refuse(pool, state)
                return
            pool.open_connections += 1
            state.opened += 1
            connection = UpstreamConnection(pool)
            end = End(connection, self._pending.append)
            self.backends.append(end)
            self.backend_of[end] = pool.backend.name
            pool._address_of[connection] = state
            pool._take_in(state)
            pool._place(connection, state)

        cast("Any", pool)._start_dial = start_dial
        cast("Any", pool)._try_again = start_dial

    def _refuse(self, pool: Pool, state: AddressState) -> None:
        pool._note_failure(state, "refused")
        if pool._waiting:
            error = UpstreamError(Stage.CONNECT, Source.UPSTREAM, Cause.REFUSED, "refused")
            pool._waiting.popleft().failed(error)
