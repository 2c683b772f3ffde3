"""The direct door: an HTTP protocol class that uvicorn runs, one instance per connection.

No ASGI between customer and backend: the request is parsed, decided and sent on within one
callback. Requests that come pipelined are answered in order, one exchange at a time.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from gateway.errors import Cause, Source
from gateway.proxy.ahead import TURN_S, is_enough
from gateway.proxy.customer import HOLD_PIPELINE, HOLD_TURN, HOLD_UPLOAD, Customer, peer_of
from gateway.proxy.exchange import Exchange
from gateway.proxy.parting import Progress
from gateway.proxy.reader import RequestReader
from gateway.proxy.refused import RefusedExchange
from gateway.proxy.tunnel import Tunnel
from gateway.proxy.upstream import WRITE_BUFFER_BYTES
from gateway.proxy.writer import AnswerWriter
from gateway.telemetry.events import Event
from gateway.wire.forwarded import Peer
from gateway.wire.inbound import BadRequest, Inbound
from gateway.wire.messages import Header, Piece
from gateway.wire.repeated import Repeated
from gateway.wire.response import Outbound
from gateway.wire.trailers import kept_trailers

if TYPE_CHECKING:
    from uvicorn.config import Config
    from uvicorn.server import ServerState

    from gateway.proxy.gateway import Gateway

_log = logging.getLogger("figueira")


class DirectConnection(AnswerWriter, asyncio.Protocol):
    """A customer's connection; the `Door` of each exchange on it in turn."""

    __slots__ = (
        "_connections",
        "_customer",
        "_gateway",
        "_is_advancing",
        "_is_leaving",
        "_loop",
        "_peer",
        "_queue",
        "_reader",
        "_reading",
        "_repeated",
        "_server_state",
        "_since_s",
        "_tunnel",
    )
    _customer: Customer

    def __init__(
        self,
        config: Config,  # noqa: ARG002 - uvicorn's contract for a protocol class
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__()
        self._loop = _loop
        self._server_state = server_state
        self._connections = cast("set[DirectConnection]", server_state.connections)
        self._gateway = cast("Gateway", app_state["gateway"])
        self._reader = RequestReader(self._gateway, self)
        self._peer = Peer("")
        self._repeated = Repeated()
        self._queue: deque[Exchange] = deque()
        self._reading: Exchange | None = None
        self._tunnel: Tunnel | None = None
        self._is_leaving = False
        self._is_advancing = False
        self._since_s = Customer.quiet_since_s(self._gateway.now_s)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection; leave at once if the server is stopping."""
        self.transport = taken = cast("asyncio.Transport", transport)
        taken.set_write_buffer_limits(high=WRITE_BUFFER_BYTES)
        self._customer = Customer(taken)
        self._peer = peer_of(transport)
        self._connections.add(self)
        self._gateway.doors.add(self)
        if self._gateway.is_draining:
            self.shutdown()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - both ways are leaving
        """Drop what was in progress."""
        self.transport = None
        self._customer.is_lost = True
        self._connections.discard(self)
        self._gateway.doors.discard(self)
        self._drop_queue(Source.DOWNSTREAM)

    def eof_received(self) -> bool:
        """Leave: a customer who has stopped sending has left; its backend is told at once."""
        if self._drop_queue(Source.DOWNSTREAM):
            self._customer.abort()
        else:
            self._customer.leave(self._gateway.now_s)
        return False

    def data_received(self, data: bytes) -> None:
        """Read a piece of one or more requests."""
        reader = self._reader
        if reader.is_between and not self._queue and self._takes_whole(data):
            return
        if reader.is_deaf:
            self._customer.heard(self._gateway.now_s)
            return
        if not self._queue:
            reader.ahead_bytes = 0
        reader.feed(data)
        self._advance()

    def _takes_whole(self, data: bytes) -> bool:
        """Serve a request that needs no parser, if that is what has come and all is quiet."""
        reader, gateway = self._reader, self._gateway
        if reader.rest is not None or reader.is_deaf or reader.is_waiting:
            return False
        if self._is_leaving or self._customer.unread is not None:
            return False
        try:
            plain = gateway.plain_requests.read(data, self._repeated)
        except Exception:  # noqa: BLE001 - a request's root: the parser may still make sense of it
            _log.exception(Event.REQUEST_FAILED.value)
            return False
        if plain is None:
            return False
        self._server_state.total_requests += 1
        exchange = Exchange(gateway, self, plain[0], self._peer, plain[1])
        self._queue.append(exchange)
        self._start(exchange)
        return True

    def pause_writing(self) -> None:
        """Hold the answer: the customer reads more slowly than the backend writes."""
        self._customer.unread = Progress(self._gateway.now_s)
        if self._queue and self._queue[0].is_started:
            self._queue[0].hold_answer()

    def resume_writing(self) -> None:
        """Release the answer, or begin the next."""
        self._customer.unread = None
        self._since_s = self._gateway.now_s
        if self._queue and self._queue[0].is_started:
            self._queue[0].release_answer()
        else:
            self._advance()

    def shutdown(self) -> None:
        """Finish what is in progress and close; uvicorn calls this when it stops."""
        self._is_leaving = True
        self._close_if_idle()

    def cut(self) -> None:
        """Give up what is in progress: the patience of a graceful stop is at its end."""
        if self._tunnel is not None:
            self._tunnel.cut(Cause.CLOSED, Source.INTERNAL)
        elif self._drop_queue(Source.INTERNAL):
            self._customer.abort()
        else:
            self._customer.give_up()

    def check(self, now_s: float) -> None:
        """End what has taken too long; called by the sweep."""
        customer, queue = self._customer, self._queue
        if self._tunnel is not None:
            self._tunnel.check(now_s)
        elif customer.has_gone_quietly():
            self._drop_queue(Source.DOWNSTREAM)
            customer.abort()
        elif not customer.check_parting(now_s):
            self._since_s = customer.reads(now_s, self._since_s)
            if queue and queue[0].is_started:
                queue[0].unread_bytes = customer.unread_bytes
                if self._since_s == now_s:
                    queue[0].touch(now_s)
                queue[0].check(now_s)
            else:
                self._check_between(now_s)

    def _check_between(self, now_s: float) -> None:
        """End what has taken too long while no exchange is in progress."""
        customer, reader = self._customer, self._reader
        if customer.unread is None and reader.is_in_head:
            reader.check_head(now_s)
            self._advance()
        elif customer.is_stuck(now_s, self._since_s):
            if customer.unread is None:
                self._part(is_heard_out=True)
            else:
                customer.abort()

    # Receiver: requests are only queued here, and started when the read is done

    @property
    def is_full(self) -> bool:
        """Whether as much has been read ahead as may be."""
        if self._customer.holds & HOLD_UPLOAD:
            return True
        return is_enough(self._reader, len(self._queue), self._reading)

    def request_read(self, inbound: Inbound) -> None:
        """Queue an exchange."""
        self._server_state.total_requests += 1
        self._reading = exchange = Exchange(self._gateway, self, inbound, self._peer)
        self._queue.append(exchange)

    def body_read(self, data: bytes) -> None:
        """Pass a piece of the body to its exchange."""
        if self._reading is not None:
            self._reading.request_body(data)

    def request_ended(self, trailers: Sequence[Header]) -> None:
        """Tell the exchange that its request is complete."""
        exchange = self._reading
        if exchange is not None:
            self._reading = None
            exchange.request_complete = True
            if trailers and exchange.upload is not None:
                exchange.upload.trailers = kept_trailers(trailers, self._gateway.names)

    def refused(self, refusal: BadRequest) -> None:
        """Refuse what is being read, behind the answers still due."""
        reading, self._reading = self._reading, None
        if reading is not None and reading.is_started:
            if not reading.is_over:
                reading.break_off(refusal)
            return
        if reading is not None:
            self._queue.remove(reading)
        self._queue.append(RefusedExchange(self._gateway, self, self._peer, refusal))

    # Door

    def head(self, outbound: Outbound) -> None:
        """Gather the head; decide whether the connection outlives the answer."""
        exchange = self._queue[0]
        may_stay = exchange.request_complete and not self._is_leaving
        self.write_head(exchange.inbound, outbound, may_stay=may_stay)

    def problem(self, status: int, title: str, parts: tuple[list[Header], bytes]) -> None:
        """Gather the gateway's own answer."""
        exchange = self._queue[0]
        may_stay = exchange.request_complete and not self._is_leaving
        self.write_own(exchange.inbound, (status, title), parts, may_stay=may_stay)

    def over(
        self,
        outbound: Outbound | None = None,
        pieces: Sequence[Piece] = (),
        trailers: Sequence[Header] = (),
    ) -> None:
        """Complete the answer, then go on, or close."""
        queue, reader = self._queue, self._reader
        exchange = queue[0]
        if outbound is not None:
            may_stay = exchange.request_complete and not self._is_leaving
            self.write_head(exchange.inbound, outbound, may_stay=may_stay)
        self.write_end(pieces, trailers)
        queue.popleft()
        self._since_s = self._gateway.now_s
        if not self.keep_alive:
            self._part(is_heard_out=exchange.request_complete and not queue)
        elif queue or self._customer.holds or self._is_leaving or reader.is_waiting:
            if reader.is_waiting:
                reader.stop_waiting()
            self._customer.release(HOLD_UPLOAD)
            self._advance()

    def switch(self, outbound: Outbound, tunnel: Tunnel) -> None:
        """Say so to the customer; from now on this connection is one end of the tunnel."""
        transport = self.transport
        if transport is None or transport.is_closing():
            tunnel.cut(Cause.CLOSED, Source.DOWNSTREAM)
            return
        self.write_switch(outbound)
        is_unread = self._customer.unread is not None
        self._queue.clear()
        self._tunnel, self._customer.unread = tunnel, None
        self._customer.release(HOLD_PIPELINE | HOLD_TURN | HOLD_UPLOAD)
        lost = partial(self.connection_lost, None)
        tunnel.customer.join(transport, self._reader.take_rest(), lost)
        if is_unread:  # the transport has said so already, to us
            tunnel.customer.pause_writing()

    def abort(self) -> None:
        """Cut the connection: the answer must not look complete."""
        self._queue.clear()
        self._reader.stop()
        self._customer.abort()

    def hold_upload(self) -> None:
        """Stop reading the body."""
        self._customer.hold(HOLD_UPLOAD)

    def release_upload(self) -> None:
        """Read on."""
        if self._customer.holds:
            self._customer.release(HOLD_UPLOAD)
            self._advance()

    def _advance(self) -> None:
        """Start the first exchange in line, send on what has come for it, read what was left."""
        if self._is_advancing:
            return
        queue, reader = self._queue, self._reader
        self._is_advancing = True
        until_s = self._gateway.clock() + TURN_S
        try:
            is_in_time = self._serve_first(until_s)
            while is_in_time and reader.rest is not None and reader.has_more and not self.is_full:
                reader.read_on()
                is_in_time = self._serve_first(until_s)
        finally:
            self._is_advancing = False
        if not is_in_time:
            self._customer.hold(HOLD_TURN)
            (self._loop or asyncio.get_running_loop()).call_soon(self._take_turn)
            return
        if self._reading or len(queue) > 1 or reader.rest or self._customer.holds:
            if reader.has_more or self.is_full:
                self._customer.hold(HOLD_PIPELINE)
            else:
                self._customer.release(HOLD_PIPELINE)
        if self._is_leaving:
            self._close_if_idle()

    def _take_turn(self) -> None:
        """Go on, now that others have had theirs."""
        self._customer.release(HOLD_TURN)
        self._advance()

    def _serve_first(self, until_s: float) -> bool:
        """Serve who is first in line; whether that was over in time, or has to wait for others."""
        queue = self._queue
        while queue:
            exchange = queue[0]
            if self._customer.unread is not None and not exchange.is_started:
                # Its answer would only pile up behind those that the customer does not read.
                return True
            self._start(exchange)
            queue = self._queue
            if queue and queue[0] is exchange:
                return True
            if self._gateway.clock() > until_s:
                return False
        return True

    @staticmethod
    def _start(exchange: Exchange) -> None:
        """Start it, or send on what has come for it."""
        try:
            if exchange.is_started:
                exchange.pump()
            else:
                exchange.start()
        except Exception:  # noqa: BLE001 - a request's root: its customer must not be left hanging
            _log.exception(Event.REQUEST_FAILED.value)
            exchange.break_down()

    def _drop_queue(self, source: Source) -> bool:
        """Drop all that is in line; return whether an answer was due."""
        queue, self._queue = self._queue, deque()
        self._reader.stop()
        for exchange in queue:
            if exchange.is_started:
                exchange.client_gone(source)
        return bool(queue)

    def _close_if_idle(self) -> None:
        is_busy = self._queue or self._reader.is_in_head or self._tunnel is not None
        if not is_busy and not self._customer.is_parting:
            self._part(is_heard_out=True)

    def _part(self, *, is_heard_out: bool) -> None:
        """Close behind the last answer; a customer who is still sending gets time to read it."""
        self._queue.clear()
        self._reader.stop()
        self._customer.part(self._gateway.now_s, is_heard_out=is_heard_out)
