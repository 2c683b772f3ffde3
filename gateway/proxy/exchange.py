"""One request and its answer: decided once, sent, perhaps repeated, passed on, recorded.

All of it runs in callbacks: no task per request. A door feeds the request in and takes the answer;
a connection to a backend does the reverse.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from gateway.errors import Cause, Source, Stage, UpstreamError
from gateway.proxy.tunnel import Tunnel
from gateway.proxy.upstream import WRITE_BUFFER_BYTES
from gateway.routing.decide import Forward, Reply
from gateway.wire.forwarded import Peer
from gateway.wire.inbound import BadRequest, Body, Inbound
from gateway.wire.messages import Header
from gateway.wire.problem import UPSTREAM_DETAILS, UPSTREAM_TITLES
from gateway.wire.response import Outbound
from gateway.wire.retry import may_retry
from gateway.wire.trailers import kept_trailers, write_last_chunk

if TYPE_CHECKING:
    from gateway.proxy.gateway import Gateway, Lane
    from gateway.proxy.ports import Connection, Door

_NONE, _, _CHUNKED, _ = Body
CLIENT_GONE = 499
"""Access lines and counters only: the customer left before the answer was complete."""
_PIECE_BYTES = 64
"""What a piece of a body costs beside its bytes: chunks of two bytes are many pieces."""


class Exchange:
    """A request on its way through the gateway."""

    __slots__ = (
        "_connection",
        "_door",
        "_gateway",
        "_head",
        "_head_sent",
        "_pending",
        "_request_sent",
        "_touched_s",
        "_upload_blocked",
        "attempts",
        "bytes_in",
        "bytes_out",
        "decision",
        "ended_s",
        "error",
        "first_byte_s",
        "inbound",
        "is_answer_held",
        "is_over",
        "is_started",
        "lane",
        "method",
        "peer",
        "pending_bytes",
        "request_complete",
        "revision",
        "started_s",
        "status",
        "trace_id",
        "trailers",
    )

    def __init__(self, gateway: Gateway, door: Door, inbound: Inbound, peer: Peer) -> None:
        self._gateway = gateway
        self._door = door
        self.inbound = inbound
        self.peer = peer
        self.method = inbound.method
        self.started_s = time.monotonic()
        self.ended_s = 0.0
        self.first_byte_s: float | None = None
        self.decision: Forward | None = None
        self.revision = 0
        self.lane: Lane | None = None
        self.attempts = 0
        self.status = 0
        self.error = ""
        self.trace_id = b""
        self.bytes_in = 0
        self.bytes_out = 0
        self.is_started = False
        self.is_over = False
        self.request_complete = False
        self._head = b""
        self._connection: Connection | None = None
        self._pending: list[bytes] = []
        self.pending_bytes = 0
        """Memory held for what has come of the request's body and not been sent on."""
        self.trailers: Sequence[Header] = ()
        """Fields that came behind the request's body."""
        self._head_sent = False
        self._request_sent = False
        self._upload_blocked = False
        self.is_answer_held = False
        self._touched_s = gateway.now_s

    @property
    def upgrade(self) -> bytes | None:
        """Protocols that the request offers to go on in; None if it offers none."""
        return self.inbound.upgrade

    # From the door

    def start(self) -> None:
        """Decide, and ask for a connection to the backend chosen."""
        self.is_started = True
        admitted = self._gateway.admit(self)
        if isinstance(admitted, Reply):
            self.refuse(admitted.status, admitted.title, admitted.detail)
            return
        self._head = admitted
        self._attempt()
        if not self._request_sent:
            self.pump()

    def refuse(self, status: int, title: str, detail: str) -> None:
        """Answer without asking a backend."""
        self.is_started = True
        self._end(status)
        self._door.problem(status, title, detail)
        self._door.over()

    def request_body(self, data: bytes) -> None:
        """Take a piece of the request's body; `pump` sends it on."""
        self.bytes_in += len(data)
        if not self.is_over:
            self._pending.append(data)
            self.pending_bytes += len(data) + _PIECE_BYTES

    def pump(self) -> None:
        """Send on what has come of the request, or hold the door if the backend is slower."""
        connection = self._connection
        if self.is_over or self._request_sent:
            return
        if connection is None or self._upload_blocked:
            if self.pending_bytes > WRITE_BUFFER_BYTES:
                self._door.hold_upload()
            return
        pieces = self._take_pieces()
        if pieces:
            self._touched_s = self._gateway.now_s
            connection.send(pieces)
        if self.request_complete:
            self._request_sent = True
            connection.sent_all()
        if not self._upload_blocked:
            self._door.release_upload()

    def _take_pieces(self) -> list[bytes]:
        """Whatever of the request has not been sent, framed as its head says."""
        pieces = []
        if not self._head_sent:
            self._head_sent = True
            pieces.append(self._head)
        if self.inbound.body is _CHUNKED:
            if self._pending:
                pieces += (b"%x\r\n" % sum(map(len, self._pending)), *self._pending, b"\r\n")
            if self.request_complete:
                pieces.append(write_last_chunk(kept_trailers(self.trailers)))
        else:
            pieces += self._pending
        self._pending, self.pending_bytes = [], 0
        return pieces

    def client_gone(self, source: Source = Source.DOWNSTREAM) -> None:
        """Tell the backend at once: the customer has left, or (`source`) we leave it."""
        if self.is_over:
            return
        self.error = f"{self._stage().value}:closed:{source.value}"
        self._drop_connection()
        self._end(CLIENT_GONE)

    def break_off(self, refusal: BadRequest) -> None:
        """Refuse a request that turned out malformed while it was being sent on.

        The backend's connection is cut, so that the request never looks complete there.
        """
        self.error = f"{self._stage().value}:protocol:downstream"
        self._drop_connection()
        if self.status:
            self._end(self.status)
            self._door.abort()
        else:
            self.refuse(refusal.status, refusal.title, refusal.detail)

    def break_down(self) -> None:
        """Answer 500: the gateway itself failed, and has said so in its log."""
        if self.is_over:
            self._door.abort()
            return
        stage = self._stage()
        self._drop_connection()
        self._fail(UpstreamError(stage, Source.INTERNAL, Cause.PROTOCOL))

    def hold_answer(self) -> None:
        """Stop reading the answer: the customer is slower than the backend."""
        self.is_answer_held = True
        if self._connection is not None:
            self._connection.hold_answer()

    def release_answer(self) -> None:
        """Read on."""
        self.is_answer_held = False
        self._touched_s = self._gateway.now_s
        if self._connection is not None:
            self._connection.release_answer()

    # From the connection

    def connected(self, connection: Connection) -> None:
        """Send the request over this connection, unless the customer has left meanwhile."""
        if self.is_over:
            connection.abandon()
            return
        self._connection = connection
        self._touched_s = self._gateway.now_s
        if self.is_answer_held:
            connection.hold_answer()
        if self.request_complete and self.inbound.body is _NONE:
            self._head_sent = self._request_sent = True
            connection.send_whole(self._head)
        else:
            self.pump()

    def failed(self, error: UpstreamError) -> None:
        """Try once more where nothing can have happened twice; else answer with the failure."""
        connection, self._connection = self._connection, None
        if self.is_over:
            return
        if connection is not None and may_retry(
            self.method,
            self.inbound.body,
            reused=connection.is_reused,
            answered=connection.has_answered,
            attempts=self.attempts,
        ):
            self._head_sent = self._request_sent = self._upload_blocked = False
            self._attempt()
            return
        self._fail(error)

    def answer_interim(self, status: int, reason: bytes, headers: Sequence[Header]) -> None:
        """Pass a 1xx on."""
        if self.inbound.is_http11:
            self._door.interim(status, reason, headers)

    def answer(self, outbound: Outbound | None, pieces: Sequence[bytes]) -> None:
        """Pass on what has come of the answer."""
        if outbound is not None:
            self.first_byte_s = time.monotonic()
            self.status = outbound.status
            self._door.head(outbound)
        if pieces:
            self.bytes_out += sum(map(len, pieces))
            self._door.body(pieces)

    def answer_flush(self) -> None:
        """Let the door send what it has."""
        self._touched_s = self._gateway.now_s
        self._door.flush()

    def answer_end(
        self, outbound: Outbound | None, pieces: Sequence[bytes], trailers: Sequence[Header]
    ) -> None:
        """Complete the answer with the last of it, which may be all of it."""
        self._connection = None
        if self.is_over:
            return
        self.is_over = True
        self.ended_s = time.monotonic()
        if outbound is not None:
            self.first_byte_s = self.ended_s
            self.status = outbound.status
        for piece in pieces:
            self.bytes_out += len(piece)
        self._gateway.recorder.add(self)
        self._door.over(outbound, pieces, trailers)

    def answer_switch(self, outbound: Outbound, tunnel: Tunnel) -> None:
        """Join the two ends; the exchange is over when the tunnel is."""
        self._connection = None
        self.first_byte_s = time.monotonic()
        self.status = outbound.status
        tunnel.over = partial(self._tunnel_over, tunnel)
        self._door.switch(outbound, tunnel)

    def _tunnel_over(self, tunnel: Tunnel) -> None:
        self.bytes_in = tunnel.customer.passed_bytes
        self.bytes_out = tunnel.backend.passed_bytes
        self.error = tunnel.error
        self._end(self.status)

    def upload_blocked(self) -> None:
        """Hold the door."""
        self._upload_blocked = True
        self._door.hold_upload()

    def upload_free(self) -> None:
        """Send what has gathered; the door is released if that goes through."""
        self._upload_blocked = False
        self._touched_s = self._gateway.now_s
        if self._request_sent:
            self._door.release_upload()
        else:
            self.pump()

    # From the sweep

    def touch(self, now_s: float) -> None:
        """Note that the customer reads, too slowly for the answer to be released."""
        self._touched_s = now_s

    def check(self, now_s: float) -> None:
        """End the exchange if one side has been silent for longer than the backend's timeouts."""
        if self.is_over or self.lane is None:
            return
        timeouts = self.lane.pool.backend.timeouts
        if self._is_waiting_for_head():
            if now_s - self._touched_s > timeouts.first_byte_s:
                self._time_out(f"no answer in {timeouts.first_byte_s:g} s")
        elif now_s - self._touched_s > timeouts.idle_s:
            self._time_out(f"nothing for {timeouts.idle_s:g} s")

    def _is_waiting_for_head(self) -> bool:
        if self.status:
            return False
        return self._connection is None or self._request_sent or self._is_asking_first()

    def _is_asking_first(self) -> bool:
        """Whether the body waits for the backend to say that it wants it (100-continue)."""
        return self.inbound.expects_continue and self.bytes_in == 0

    def _time_out(self, detail: str) -> None:
        is_customers = self.is_answer_held or self._is_upload_slow()
        source = Source.DOWNSTREAM if is_customers else Source.UPSTREAM
        cause = Cause.OVERLOAD if self._connection is None else Cause.TIMEOUT
        stage = self._stage()
        self._drop_connection()
        if source is Source.DOWNSTREAM and self.status == 0:
            self.error = f"{stage.value}:timeout:downstream"
            self.refuse(408, "Request Timeout", "The request did not arrive in time.")
            return
        self._fail(UpstreamError(stage, source, cause, detail))

    def _is_upload_slow(self) -> bool:
        return not (
            self.request_complete or self._upload_blocked or self.status or self._is_asking_first()
        )

    # Inside

    def _attempt(self) -> None:
        assert self.lane is not None  # noqa: S101 - admit has set it
        self.attempts += 1
        self.lane.pool.acquire(self, fresh=self.attempts > 1)

    def _stage(self) -> Stage:
        if self._connection is None:
            return Stage.QUEUE
        if self.status:
            return Stage.READ_BODY
        return Stage.READ_HEAD if self._request_sent else Stage.SEND_BODY

    def _fail(self, error: UpstreamError) -> None:
        self.error = f"{error.stage.value}:{error.cause.value}:{error.source.value}"
        if self.status:
            # The head has gone out: only a cut connection says that the answer is not complete.
            self._end(self.status)
            self._door.abort()
            return
        if error.source is Source.INTERNAL and error.cause is not Cause.OVERLOAD:
            self.refuse(500, "Internal Server Error", "The gateway failed.")
            return
        status = error.status
        self.refuse(status, UPSTREAM_TITLES[status], UPSTREAM_DETAILS[status])

    def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abandon()
        elif self.lane is not None:
            self.lane.pool.cancel(self)

    def _end(self, status: int) -> None:
        self.is_over = True
        self.status = status
        if self._pending:
            self._pending, self.pending_bytes = [], 0
        self.ended_s = time.monotonic()
        self._gateway.recorder.add(self)


class RefusedExchange(Exchange):
    """A request that was found unfit while being read; it waits its turn to be refused."""

    __slots__ = ("_refusal",)

    def __init__(self, gateway: Gateway, door: Door, peer: Peer, refusal: BadRequest) -> None:
        super().__init__(gateway, door, Inbound(b"", b"", is_http11=True), peer)
        self.inbound.keep_alive = False
        self._refusal = refusal

    def start(self) -> None:
        """Refuse."""
        self.refuse(self._refusal.status, self._refusal.title, self._refusal.detail)
