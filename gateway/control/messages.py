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
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        """Take bytes; return the messages that are complete, in order.

        Raises:
            FrameError: A frame is too long or not a message.
        """
        self._buffer += data
        messages: list[Message] = []
        while (body := self._take_body()) is not None:
            try:
                messages.append(_DECODER.decode(body))
            except msgspec.MsgspecError as error:
                raise FrameError(str(error)) from error
        return messages

    def _take_body(self) -> bytes | None:
        length = int.from_bytes(self._buffer[:_LENGTH_BYTES], "big")
        if length > MAX_MESSAGE_BYTES:
            raise FrameError(f"a frame of {length} bytes")
        end = _LENGTH_BYTES + length
        if len(self._buffer) < max(end, _LENGTH_BYTES + 1):
            return None
        body = bytes(self._buffer[_LENGTH_BYTES:end])
        del self._buffer[:end]
        return body
