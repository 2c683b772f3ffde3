"""Memory while a long body crosses, at full speed and with a slow end."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Mapping
from functools import partial

from bench.cases import (
    CUSTOMER_HEADER,
    GET_1K,
    KIB,
    MIB,
    SLOW,
    SLOW_BYTES_PER_S,
    plan_of,
    target,
)
from bench.cpu import (
    forget_peak,
    peak_bytes,
    pids_of_tree,
    proportional_bytes,
    resident_bytes,
)
from bench.peers.peer import MissingError, Peer
from bench.processes import HOST, StartError, loading
from bench.results import Memory
from bench.session import Session

_PIECE_BYTES = 256 * KIB
_PATIENCE_S = 60.0
_WARM_SHARE = 0.1
_SETTLE_S = 0.5
"""Until the warm-up's connections and log lines are done with."""


class TransferError(Exception):
    """A transfer did not go as it must."""


def measure(session: Session) -> Memory:
    """Send a long body each way through each proxy, fresh for each: none hides in what is left."""
    found = Memory(transfer_mib=session.extent.transfer_mib, slow_mib_per_s=SLOW_BYTES_PER_S // MIB)
    for peer in session.extent.peers:
        for name, transfer in TRANSFERS.items():
            try:
                _watch(session, peer, found, name, transfer)
            except MissingError as error:
                session.say(f"memory: {peer.label} is left out: {error}")
                break
            except (StartError, TransferError, OSError) as error:
                session.say(f"memory: {peer.label}, {name}: {error}")
                found.faults.append(f"{peer.label}, {name}: {error}")
        session.say(f"memory: {peer.label} done")
    return found


def _watch(
    session: Session, peer: Peer, found: Memory, name: str, transfer: Callable[[int, int], None]
) -> None:
    with session.serving(peer) as proxy:
        plan = plan_of(GET_1K, proxy.port, scale=session.extent.scale * _WARM_SHARE, seconds=2)
        with loading(plan) as load:
            load.go()
        time.sleep(_SETTLE_S)
        pids = pids_of_tree(proxy.pid)
        before = {pid: resident_bytes(pid) for pid in pids}
        found.idle_bytes.setdefault(peer.label, proportional_bytes(pids))
        for pid in pids:
            forget_peak(pid)
        transfer(proxy.port, session.extent.transfer_mib * MIB)
        above = (peak_bytes(pid) - before[pid] for pid in pids)
        found.above_bytes[peer.label, name] = sum(max(each, 0) for each in above)


def _download(port: int, size: int, bytes_per_s: float = float("inf")) -> None:
    with contextlib.closing(socket.create_connection((HOST, port), _PATIENCE_S)) as end:
        end.sendall(_head("GET", str(size)))
        read = len(_read_head(end))
        began_s = time.monotonic()
        buffer = bytearray(_PIECE_BYTES)
        while read < size:
            piece = end.recv_into(buffer)
            if not piece:
                raise TransferError(f"cut with {size - read} bytes to come")
            read += piece
            ahead_s = began_s + read / bytes_per_s - time.monotonic()
            if ahead_s > 0:
                time.sleep(ahead_s)


def _upload(port: int, size: int, answer: str = str(KIB)) -> None:
    with contextlib.closing(socket.create_connection((HOST, port), _PATIENCE_S)) as end:
        end.sendall(_head("POST", answer, f"Content-Length: {size}"))
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


TRANSFERS: Mapping[str, Callable[[int, int], None]] = {
    "down, slow reader": partial(_download, bytes_per_s=SLOW_BYTES_PER_S),
    "up, slow origin": partial(_upload, answer=SLOW),
    "down, full speed": _download,
    "up, full speed": _upload,
}
"""Name (as in the table) -> what moves so many bytes through a port."""
