"""One request and its answer: decided once, sent, perhaps repeated, passed on, recorded.

All of it runs in callbacks: no task per request. A door feeds the request in and takes the answer;
a connection to a backend does the reverse.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from gateway.errors import Cause, Source, UpstreamError, write_failure
from gateway.proxy.outcome import CLIENT_GONE, CUT_UNANSWERED, Outcome
from gateway.proxy.own_answer import own_answer
from gateway.proxy.tunnel import Tunnel
from gateway.proxy.upload import Upload
from gateway.proxy.upstream import WRITE_BUFFER_BYTES
from gateway.proxy.waiting import is_silence, is_taken_over, overdue, stage_of
from gateway.routing.decide import Forward, Reply
from gateway.wire.forwarded import Peer
from gateway.wire.inbound import BadRequest, Body, Inbound
from gateway.wire.messages import Header, Piece
from gateway.wire.problem import UPSTREAM_DETAILS, UPSTREAM_TITLES
from gateway.wire.response import Outbound
from gateway.wire.retry import may_retry

if TYPE_CHECKING:
    from gateway.proxy.gateway import Gateway
    from gateway.proxy.lanes import AnyLane
    from gateway.proxy.ports import Connection, Door

_NONE = Body.NONE
_CONTINUE = 100
_MOST_DETAIL = 200
"""Characters; what it quotes of a backend is shorter still."""


class Exchange(Outcome):
    """A request on its way through the gateway."""

    __slots__ = ("_door", "_gateway", "_head")

    def __init__(
        self,
        gateway: Gateway,
        door: Door,
        inbound: Inbound,
        peer: Peer,
        body: bytes | None = None,
    ) -> None:
        """Take a request; `body` is all of its body, None if that is still to come."""
        self._gateway = gateway
        self._door = door
        self.inbound = inbound
        self.peer = peer
        self.method = inbound.method
        self.started_s = gateway.clock()
        self.ended_s = 0.0
        self.first_byte_s: float | None = None
        self.decision: Forward | None = None
        self.revision = 0
        self.lane: AnyLane | None = None
        self.attempts = 0
        self.status = 0
        self.error = self.detail = ""
        self.upstream = ""
        self.trace_id = b""
        self.bytes_out = 0
        self.is_started = False
        self.is_over = False
        self._head = b""
        self.connection: Connection | None = None
        self.upload: Upload | None = None
        self.bytes_in = 0
        if body is not None:
            self.request_complete = True
            if body:
                self._head, self.bytes_in = body, len(body)
        else:
            self.request_complete = False
            if inbound.body is not _NONE:
                self.upload = Upload(inbound)
        self.request_sent = False
        self.is_answer_held = False
        self.unread_bytes = 0
        self.touched_s = self.started_s

    @property
    def upgrade(self) -> bytes | None:
        """Protocols that the request offers to go on in; None if it offers none."""
        return self.inbound.upgrade

    def start(self) -> None:
        """Decide, and ask for a connection to the backend chosen."""
        self.is_started = True
        admitted = self._gateway.admit(self)
        if isinstance(admitted, Reply):
            self.detail = admitted.detail
            self.refuse(admitted.status, admitted.title, admitted.detail)
            return
        upload = self.upload
        if upload is None:
            self._head = admitted + self._head if self._head else admitted
            self.attempt()
            return
        self._head = admitted
        self.pump()

    def refuse(self, status: int, title: str, detail: str) -> None:
        """Answer without asking a backend."""
        self.is_started = True
        parts = own_answer(self._gateway, self, status, title, detail)
        self._end(status)
        self._door.problem(status, title, parts)
        self._door.over()

    def request_body(self, data: bytes) -> None:
        """Take a piece of the request's body; `pump` sends it on."""
        self.bytes_in += len(data)
        if self.upload is not None and not self.is_over:
            self.upload.add(data)

    def pump(self) -> None:
        """Send on what has come of the request, or hold the door if the backend is slower."""
        self._find_place()
        upload = self.upload
        if upload is None or self.is_over or self.request_sent:
            return
        connection = self.connection
        if connection is None or upload.is_blocked:
            if upload.pending_bytes > WRITE_BUFFER_BYTES:
                self._door.hold_upload()
            return
        pieces = upload.take(is_complete=self.request_complete)
        if self._head:
            pieces.insert(0, self._head)
            self._head = b""
        if pieces:
            self.touched_s = self._gateway.clock()
            connection.send(pieces)
        if self.request_complete:
            self.request_sent = True
            connection.sent_all()
            self._leave_place()
        if not upload.is_blocked:
            self._door.release_upload()

    def _find_place(self) -> None:
        """Ask for a connection, unless others whose body is still to come have enough of them.

        One that is there at once takes all that has come with it.
        """
        upload = self.upload
        if upload is None or self.attempts or self.is_over:
            return
        assert self.lane is not None  # noqa: S101 - admit has set it
        if self.request_complete or self.lane.pool.begin_upload():
            upload.has_place = not self.request_complete
            self.attempt()

    def _leave_place(self) -> None:
        if self.upload is not None and self.upload.has_place and self.lane is not None:
            self.upload.has_place = False
            self.lane.pool.end_upload()

    def client_gone(self, source: Source = Source.DOWNSTREAM) -> None:
        """Tell the backend at once: the customer has left, or (`source`) we leave it."""
        if self.is_over:
            return
        self.error = write_failure(stage_of(self), Cause.CLOSED, source)
        self._drop_connection()
        self._end(CLIENT_GONE if source is Source.DOWNSTREAM else self.status or CUT_UNANSWERED)

    def break_off(self, refusal: BadRequest) -> None:
        """Refuse a request that turned out malformed while it was being sent on.

        The backend's connection is cut, so that the request never looks complete there.
        """
        self.error = write_failure(stage_of(self), Cause.PROTOCOL, Source.DOWNSTREAM)
        self.detail = refusal.told
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
        stage = stage_of(self)
        self._drop_connection()
        self._fail(UpstreamError(stage, Source.INTERNAL, Cause.PROTOCOL))

    def hold_answer(self) -> None:
        """Stop reading the answer: the customer is slower than the backend."""
        self.is_answer_held = True
        if self.connection is not None:
            self.connection.hold_answer()

    def release_answer(self) -> None:
        """Read on."""
        self.is_answer_held = False
        self.touched_s = self._gateway.clock()
        if self.connection is not None:
            self.connection.release_answer()

    def connected(self, connection: Connection) -> None:
        """Send the request over this connection, unless the customer has left meanwhile."""
        if self.is_over:
            connection.abandon()
            return
        self.connection = connection
        self.upstream = connection.address
        self.touched_s = self._gateway.clock()
        if self.is_answer_held:
            connection.hold_answer()
        if self.upload is None:
            self.request_sent = True
            connection.send_whole(self._head)
        else:
            self.pump()

    def failed(self, error: UpstreamError) -> None:
        """Try once more where nothing can have happened twice; else answer with the failure."""
        connection, self.connection = self.connection, None
        if self.is_over:
            return
        if connection is not None and may_retry(
            self.method,
            self.inbound.body,
            reused=connection.is_reused,
            answered=connection.has_answered,
            attempts=self.attempts,
        ):
            self.request_sent = False
            self.attempt()
            return
        self._fail(error)

    def answer_interim(self, status: int, reason: bytes, headers: Sequence[Header]) -> None:
        """Pass a 1xx on."""
        self.touched_s = self._gateway.clock()
        if status == _CONTINUE:
            # From now on it is the customer's turn.
            self.inbound.expects_continue = False
        if self.inbound.is_http11:
            self._door.interim(status, reason, headers)

    def answer(self, outbound: Outbound | None, pieces: Sequence[Piece]) -> None:
        """Pass on what has come of the answer."""
        if outbound is not None:
            self.first_byte_s = self._gateway.clock()
            self.status = outbound.status
            self._door.head(outbound)
        if pieces:
            self.bytes_out += sum(map(len, pieces))
            self._door.body(pieces)

    def answer_flush(self) -> None:
        """Let the door send what it has."""
        if self.status:
            # A head that drips is not begun for the timeouts.
            self.touched_s = self._gateway.clock()
        self._door.flush()

    def answer_end(
        self, outbound: Outbound | None, pieces: Sequence[Piece], trailers: Sequence[Header]
    ) -> None:
        """Complete the answer with the last of it, which may be all of it."""
        self.connection = None
        if self.is_over:
            return
        self.is_over = True
        self.ended_s = self._gateway.clock()
        if outbound is not None:
            self.first_byte_s = self.ended_s
            self.status = outbound.status
        for piece in pieces:
            self.bytes_out += len(piece)
        if self.upload is not None:
            self._leave_place()
        self._gateway.recorder.add(self)
        self._door.over(outbound, pieces, trailers)

    def answer_switch(self, outbound: Outbound, tunnel: Tunnel) -> None:
        """Join the two ends; the exchange is over when the tunnel is."""
        self.connection = None
        self.first_byte_s = self._gateway.clock()
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
        if self.upload is not None:
            self.upload.is_blocked = True
            self._door.hold_upload()

    def upload_free(self) -> None:
        """Send what has gathered; the door is released if that goes through."""
        self.touched_s = self._gateway.clock()
        if self.upload is not None:
            self.upload.is_blocked = False
        if self.request_sent:
            self._door.release_upload()
        else:
            self.pump()

    def touch(self, now_s: float) -> None:
        """Note that the customer reads, too slowly for the answer to be released."""
        self.touched_s = now_s

    def check(self, now_s: float) -> None:
        """End the exchange if it, or one side of it, takes longer than it may."""
        if self.is_over or self.lane is None:
            return
        self.pump()
        if error := overdue(self, self.lane.pool, now_s):
            if is_silence(error):
                self.lane.pool.blame(self.connection)
            if not is_taken_over(self, error):
                self._drop_connection()
                self._fail(error)

    def attempt(self) -> None:
        """Ask for a connection to send the request on."""
        assert self.lane is not None  # noqa: S101 - admit has set it
        self.attempts += 1
        self.lane.pool.acquire(self, fresh=self.attempts > 1)

    def _fail(self, error: UpstreamError) -> None:
        if is_taken_over(self, error):
            return
        self.error = write_failure(error.stage, error.cause, error.source)
        self.detail = error.detail[:_MOST_DETAIL]
        if self.status:
            # The head has gone out: only a cut connection says that the answer is not complete.
            self._end(self.status)
            self._door.abort()
            return
        status = error.status
        self.refuse(status, UPSTREAM_TITLES[status], UPSTREAM_DETAILS[status])

    def _drop_connection(self) -> None:
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.abandon()
        elif self.lane is not None:
            self.lane.pool.cancel(self)

    def _end(self, status: int) -> None:
        self.is_over = True
        self.status = status
        if self.upload is not None:
            self._leave_place()
            self.upload.drop()
        self.ended_s = self._gateway.clock()
        self._gateway.recorder.add(self)
