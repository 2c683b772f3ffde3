"""What supervisor, control and workers tell each other.

All of it stays on this machine, between processes of one `figueira serve`.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from gateway.control.x509 import CertificateFacts
from gateway.proxy.captured import Captured, LeftOut
from gateway.telemetry.counters import Counters
from gateway.whatif.recent import Sampled
from gateway.whatif.sightings import Sighting

WorkerName = tuple[int, int]
"""Index and restarts: no two workers have both."""
MAX_MESSAGE_BYTES = 16 * 1024 * 1024
"""The largest snapshot (5,000 routes) takes about 2 MiB; more is a fault."""


class Accepted(msgspec.Struct, tag=True, frozen=True):
    """Control to all: route by this from now on."""

    revision: int
    snapshot: bytes
    """Encoded by `gateway.config.codec`."""
    accepted_at: datetime
    """Timezone-aware."""


class Linked(msgspec.Struct, tag=True, frozen=True):
    """Supervisor to control: the descriptor that comes along leads to this worker."""

    index: int
    pid: int
    restarts: int
    """How often this worker was replaced so far."""


class ControlLinked(msgspec.Struct, tag=True, frozen=True):
    """Supervisor to a worker: the descriptor that comes along leads to control."""


class Left(msgspec.Struct, tag=True, frozen=True):
    """Control to supervisor: what the next control has to know."""

    counters: Counters
    """What workers that are gone have counted."""
    trials: dict[str, dict[str, int]] = {}
    """Parallel run -> class -> trials that control has ended."""
    taken: dict[str, tuple[int, int]] = {}
    """Parallel run -> day, in days since 1970, and trials of it: what budgets go on from."""


class Alive(msgspec.Struct, tag=True, frozen=True):
    """A child to the supervisor, again and again: it does not hang."""


class Ended(msgspec.Struct, tag=True, frozen=True):
    """A worker to the supervisor, as the last thing it says."""

    cut: int
    """Requests and tunnels that had not ended when its patience did."""


class Draining(msgspec.Struct, tag=True, frozen=True):
    """Supervisor to control: the end has begun; say so to whoever asks whether we are ready."""


class CertificateSeen(msgspec.Struct, tag=True, frozen=True):
    """Supervisor to all: the certificate's files were looked at again."""

    problem: str
    """Why the pair cannot be used; empty if it serves from now on."""
    facts: CertificateFacts | None = None
    """Of what serves."""


class LogMoved(msgspec.Struct, tag=True, frozen=True):
    """Supervisor to workers: open the access log anew, it may have been moved away."""


class Probed(msgspec.Struct, tag=True, frozen=True):
    """Control to workers: what probes say of backends."""

    ill: dict[str, dict[str, bool]]
    """Backend -> address, as in a URL -> whether it is ill. What is not here is not known, and
    stays as it was."""


class Report(msgspec.Struct, tag=True, frozen=True):
    """A worker to control: what it routes by and what it has counted since it began."""

    revision: int
    counters: bytes
    """What `gateway.telemetry.counters.pack` made: with thousands of routes, reading each report
    costs more than all else that control does, and somebody asks for a few of them only."""
    sightings: list[Sighting] = []
    """Customers' new work, told once each."""
    sample: list[Sampled] = []
    """Some of the access lines since the last report, where ``safety`` wants to know them."""
    left_out: list[LeftOut] = []
    """Requests that were to be compared and ended in the worker, since the last report."""
    offered: dict[str, int] = {}
    """Parallel run -> trials handed over since the worker began."""


class Part(msgspec.Struct, tag=True, frozen=True, gc=False):
    """A worker to control: bytes of a body, of an exchange that is not over."""

    capture_id: int
    side: int
    """0: of the request; 1: of the answer."""
    pieces: list[bytes]


class GivenUp(msgspec.Struct, tag=True, frozen=True):
    """A worker to control: nothing comes of these captures."""

    capture_ids: list[int]


class Offered(msgspec.Struct, tag=True, frozen=True):
    """A worker to control: exchanges that are over and to be tried."""

    trials: list[Captured]


Message = (
    Accepted
    | Linked
    | ControlLinked
    | Left
    | Alive
    | Ended
    | Draining
    | CertificateSeen
    | LogMoved
    | Probed
    | Report
    | Part
    | GivenUp
    | Offered
)

_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Message)
_LENGTH_BYTES = 4


def encode(message: Message) -> bytes:
    """A message as a frame: four bytes of length, then MessagePack."""
    body = _ENCODER.encode(message)
    return len(body).to_bytes(_LENGTH_BYTES, "big") + body


class FrameError(Exception):
    """The other end sent what is no frame; the link is of no use any more."""


class Frames:
    """Puts a stream of bytes back together into messages."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0
        self._wanted = _LENGTH_BYTES
        """How many bytes there have to be before there is anything to do."""

    def feed(self, data: bytes) -> list[Message]:
        """Take bytes; return the messages that are complete, in order.

        Raises:
            FrameError: A frame is too long or not a message.
        """
        self._pieces.append(data)
        self._size += len(data)
        if self._size < self._wanted:
            return []
        # Each byte is copied once here, however large a message is and in whatever pieces it comes.
        whole = memoryview(b"".join(self._pieces) if len(self._pieces) > 1 else data)
        messages: list[Message] = []
        start = 0
        while (end := start + self._next_bytes(whole[start:])) <= len(whole):
            try:
                messages.append(_DECODER.decode(whole[start + _LENGTH_BYTES : end]))
            except msgspec.MsgspecError as error:
                raise FrameError(str(error)) from error
            start = end
        self._pieces, self._size = [bytes(whole[start:])], len(whole) - start
        self._wanted = end - start
        return messages

    def _next_bytes(self, rest: memoryview) -> int:
        """How long the next frame is; more than there is if that is not known yet."""
        if len(rest) < _LENGTH_BYTES:
            return _LENGTH_BYTES
        length = int.from_bytes(rest[:_LENGTH_BYTES], "big")
        if length > MAX_MESSAGE_BYTES:
            raise FrameError(f"a frame of {length} bytes")
        return _LENGTH_BYTES + max(length, 1)
