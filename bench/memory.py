"""Resident memory while a long body meets a slow end."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable

from bench.cases import CUSTOMER_HEADER, GET_1K, KIB, MIB, SLOW, plan_of, target
from bench.cpu import pids_of_tree, resident_bytes
from bench.peers.envoy import ENVOY
from bench.peers.field import Serving
from bench.peers.figueira import FIGUEIRA
from bench.peers.peer import MissingError
from bench.processes import HOST, StartError, loading
from bench.results import Memory
from bench.session import Session

_PIECE_BYTES = 64 * KIB
_PAUSE_S = 0.001
"""With the piece: at most some 50 MiB a second, a tenth of what a proxy passes on."""
_SAMPLE_EVERY_S = 0.01
_PATIENCE_S = 60.0
_WARM_SHARE = 0.1
_SETTLE_S = 0.5


class TransferError(Exception):
    """A transfer did not go as it must."""


def measure(session: Session) -> list[Memory]:
    """Send a long body down to a slow reader and up to a slow origin, through each proxy."""
    found = []
    for peer in (FIGUEIRA, ENVOY):
        try:
            with session.serving(peer) as proxy:
                found += [
                    _watch(session, proxy, direction, transfer)
                    for direction, transfer in _TRANSFERS.items()
                ]
        except (MissingError, StartError, TransferError, OSError) as error:
            session.say(f"memory: {peer.label} is left out: {error}")
    session.say("memory: done")
    return found


def _watch(
    session: Session, proxy: Serving, direction: str, transfer: Callable[[int, int], None]
) -> Memory:
    plan = plan_of(GET_1K, proxy.port, scale=session.extent.scale * _WARM_SHARE, seconds=2)
    with loading(plan) as load:
        load.go()
    # Until the warm-up's connections and log lines are done with.
    time.sleep(_SETTLE_S)
    pids = pids_of_tree(proxy.pid)
    idle_bytes = peak_bytes = resident_bytes(pids)
    size = session.extent.transfer_mib * MIB
    fault: list[Exception] = []
    thread = threading.Thread(target=_try, args=(transfer, proxy.port, size, fault))
    thread.start()
    while thread.is_alive():
        peak_bytes = max(peak_bytes, resident_bytes(pids))
        time.sleep(_SAMPLE_EVERY_S)
    if fault:
        raise TransferError(f"{direction}: {fault[0]}")
    return Memory(
        label=proxy.peer.label,
        direction=direction,
        transfer_mib=session.extent.transfer_mib,
        idle_bytes=idle_bytes,
        peak_bytes=peak_bytes,
    )


def _try(
    transfer: Callable[[int, int], None], port: int, size: int, fault: list[Exception]
) -> None:
    try:
        transfer(port, size)
    except (OSError, TransferError) as error:
        fault.append(error)


def _download(port: int, size: int) -> None:
    with contextlib.closing(socket.create_connection((HOST, port), _PATIENCE_S)) as end:
        end.sendall(_head("GET", str(size)))
        left = size
        head = _read_head(end)
        left -= len(head)
        while left > 0:
            piece = end.recv(_PIECE_BYTES)
            if not piece:
                raise TransferError(f"cut with {left} bytes to come")
            left -= len(piece)
            time.sleep(_PAUSE_S)


def _upload(port: int, size: int) -> None:
    with contextlib.closing(socket.create_connection((HOST, port), _PATIENCE_S)) as end:
        end.sendall(_head("POST", SLOW, f"Content-Length: {size}"))
        piece = bytes(MIB)
        for _ in range(size // len(piece)):
            end.sendall(piece)
        _read_head(end)


def _read_head(end: socket.socket) -> bytes:
    """Read an answer's head; return what came of its body."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = end.recv(_PIECE_BYTES)
        if not piece:
            raise TransferError("no answer")
        data += piece
    head, _, rest = data.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise TransferError(f"not the expected answer: {head[:100]!r}")
    return rest


def _head(method: str, answer: str, *more: str) -> bytes:
    lines = [f"{method} {target(0, answer)} HTTP/1.1", f"Host: {HOST}", f"{CUSTOMER_HEADER}: slow"]
    return "\r\n".join([*lines, *more, "", ""]).encode()


_TRANSFERS: dict[str, Callable[[int, int], None]] = {
    "down to a slow reader": _download,
    "up to a slow origin": _upload,
}
