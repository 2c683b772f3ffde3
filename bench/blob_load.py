"""Customers of pictures: many at once, quick ones and slow ones, on raw sockets."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from bench.processes import HOST, PATIENCE_S, StartError

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_READ_BYTES = 256 * 1024
_SLOW_BUFFER_BYTES = 64 * 1024
"""Of a slow customer's system; what a server has to hold itself begins behind it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One kind of request."""

    port: int
    path: str
    status: int
    """That the answer must have."""
    headers: Mapping[str, str] = field(default_factory=dict)

    def request(self) -> bytes:
        """The whole request."""
        fields = {"Host": f"{HOST}:{self.port}", "Accept": "*/*", **self.headers}
        lines = [
            f"GET {self.path} HTTP/1.1",
            *(f"{name}: {value}" for name, value in fields.items()),
        ]
        return "\r\n".join([*lines, "", ""]).encode()


def ask_all(ask: Ask, requests: int, connections: int) -> None:
    """Ask so often, over so many connections that are kept.

    Raises:
        StartError: An answer is not the expected one.
    """
    faults: list[BaseException] = []

    def run(count: int) -> None:
        try:
            with socket.create_connection((HOST, ask.port), PATIENCE_S) as connection:
                request, buffer = ask.request(), bytearray(_READ_BYTES)
                for _ in range(count):
                    connection.sendall(request)
                    _drain(connection, _head(connection, ask), buffer)
        except (OSError, StartError) as error:
            faults.append(error)

    share = max(requests // connections, 1)
    threads = [threading.Thread(target=run, args=(share,)) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise StartError(f"{ask.path}: {faults[0]}")


@contextmanager
def slow_customers(asks: Sequence[Ask]) -> Iterator[None]:
    """Ask all of these at once and read nothing but heads; on leaving, read the rest of each.

    Raises:
        StartError: An answer is not the expected one.
    """
    with ExitStack() as stack:
        waiting = []
        for ask in asks:
            connection = stack.enter_context(socket.socket())
            connection.settimeout(PATIENCE_S)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SLOW_BUFFER_BYTES)
            connection.connect((HOST, ask.port))
            connection.sendall(ask.request())
            waiting.append(connection)
        left = [_head(connection, ask) for connection, ask in zip(waiting, asks, strict=True)]
        yield
        buffer = bytearray(_READ_BYTES)
        for connection, length in zip(waiting, left, strict=True):
            _drain(connection, length, buffer)


def _head(connection: socket.socket, ask: Ask) -> int:
    """Read an answer's head; return how much of its body is still to come."""
    head = b""
    while b"\r\n\r\n" not in head:
        piece = connection.recv(4096)
        if not piece:
            raise StartError("the connection was closed")
        head += piece
    head, _, rest = head.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 %d " % ask.status):
        raise StartError(f"not the expected answer: {head[:200]!r}")
    length = _LENGTH.search(head)
    return int(length[1]) - len(rest) if length else 0


def _drain(connection: socket.socket, left: int, buffer: bytearray) -> None:
    while left > 0:
        count = connection.recv_into(buffer, min(left, len(buffer)))
        if not count:
            raise StartError("the body was cut short")
        left -= count
