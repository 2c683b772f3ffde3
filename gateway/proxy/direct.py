"""The direct door: an HTTP protocol class that uvicorn runs, one instance per connection.

No ASGI between customer and backend: the request is parsed, decided and sent on within one
callback. Requests that come pipelined are answered in order, one exchange at a time.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import httptools

from gateway.proxy.exchange import Exchange, RefusedExchange
from gateway.proxy.upstream import WRITE_BUFFER_BYTES
from gateway.wire.messages import Header
from gateway.wire.problem import write_problem
from gateway.wire.request import (
    MAX_HEAD_BYTES,
    BadRequest,
    Body,
    read_request,
    too_large_head,
)
from gateway.wire.response import Outbound, write_interim, write_response

if TYPE_CHECKING:
    from uvicorn.config import Config
    from uvicorn.server import ServerState

    from gateway.proxy.gateway import Gateway

HEAD_PATIENCE_S = 10.0
"""For a whole request head: a browser's comes in one packet, an attacker's one byte a second."""
IDLE_PATIENCE_S = 75.0
"""Between requests; longer than browsers (60 s) and load balancers (60 s) keep a connection."""
LINGER_S = 2.0
"""For a customer to read an early answer before the connection is cut (RFC 9112, section 9.6)."""
_MAX_PIPELINED = 8
"""Requests read ahead; more stay in the customer's socket."""
_HOLD_PIPELINE, _HOLD_UPLOAD = 1, 2
_JOIN_BYTES = 16 * 1024
"""Below, one copy is cheaper than handing many buffers to the kernel."""
_log = logging.getLogger("figueira")


class DirectConnection(asyncio.Protocol):
    """A customer's connection; the `Door` of each exchange on it in turn."""

    def __init__(
        self,
        config: Config,  # noqa: ARG002 - uvicorn's contract for a protocol class
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._server_state = server_state
        self._connections = cast("set[DirectConnection]", server_state.connections)
        self._gateway = cast("Gateway", app_state["gateway"])
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._peer = ""
        self._queue: deque[Exchange] = deque()
        self._reading: Exchange | None = None
        self._target = b""
        self._headers: list[Header] = []
        self._head_bytes = 0
        self._in_head = True
        self._is_deaf = False
        self._is_leaving = False
        self._is_advancing = False
        self._holds = 0
        self._out: list[bytes] = []
        self._chunks = False
        self._keep_alive = True
        self._since_s = self._gateway.now_s

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection; leave at once if the server is stopping."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES)
        peer = transport.get_extra_info("peername")
        self._peer = peer[0] if isinstance(peer, tuple) else ""
        self._connections.add(self)
        self._gateway.doors.add(self)
        if self._gateway.is_draining:
            self.shutdown()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - both ways are leaving
        """Drop what was in progress."""
        self._transport = None
        self._connections.discard(self)
        self._gateway.doors.discard(self)
        queue, self._queue = self._queue, deque()
        for exchange in queue:
            if exchange.is_started:
                exchange.client_gone()

    def eof_received(self) -> bool:
        """Close: a customer who has stopped sending has left."""
        return False

    def data_received(self, data: bytes) -> None:
        """Read a piece of one or more requests."""
        if self._is_deaf:
            return
        if self._in_head:
            if self._head_bytes == 0:
                self._since_s = self._gateway.now_s
            self._head_bytes += len(data)
        try:
            self._feed(data)
        except httptools.HttpParserCallbackError as error:
            _log.error("request_failed", exc_info=error)
            self._refuse(BadRequest(500, "Internal Server Error", "The gateway failed."))
        except httptools.HttpParserError as error:
            if not self._is_deaf:
                self._refuse(_parse_failure(error))
        if self._in_head and self._head_bytes > MAX_HEAD_BYTES and not self._is_deaf:
            self._refuse(too_large_head())
        self._advance()

    def _feed(self, data: bytes) -> None:
        while data:
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                # The offer to switch protocols is not taken up: read on in this one.
                self._parser = httptools.HttpRequestParser(self)
                data = data[upgrade.args[0] :]
            else:
                return

    def pause_writing(self) -> None:
        """Hold the answer: the customer reads more slowly than the backend writes."""
        if self._queue:
            self._queue[0].hold_answer()

    def resume_writing(self) -> None:
        """Release the answer."""
        if self._queue:
            self._queue[0].release_answer()

    def shutdown(self) -> None:
        """Finish what is in progress and close; uvicorn calls this when it stops."""
        self._is_leaving = True
        if not self._queue and not self._head_bytes:
            self._close()

    def cut(self) -> None:
        """Give up what is in progress: the patience of a graceful stop is at its end."""
        for exchange in self._queue:
            if exchange.is_started:
                exchange.client_gone()
        self._queue.clear()
        self._abort()

    def check(self, now_s: float) -> None:
        """End what has taken too long; called by the sweep."""
        if self._queue:
            self._queue[0].check(now_s)
        elif self._is_deaf:
            if now_s - self._since_s > LINGER_S:
                self._abort()
        elif self._in_head and self._head_bytes:
            if now_s - self._since_s > HEAD_PATIENCE_S:
                detail = "The request did not arrive in time."
                self._refuse(BadRequest(408, "Request Timeout", detail))
                self._advance()
        elif now_s - self._since_s > IDLE_PATIENCE_S:
            self._close()

    # httptools callbacks: requests are only queued here, and started when the read is done

    def on_message_begin(self) -> None:
        """Start a head."""
        self._target, self._headers, self._in_head = b"", [], True

    def on_url(self, part: bytes) -> None:
        """Take (a part of) the target."""
        self._target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field line; those behind the body are trailers and end here."""
        if self._in_head:
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Read the head and queue its exchange."""
        self._in_head = False
        if self._is_deaf:
            return
        try:
            exchange = self._read_head()
        except BadRequest as refusal:
            self._refuse(refusal)
            return
        self._head_bytes = 0
        self._server_state.total_requests += 1
        self._reading = exchange
        self._queue.append(exchange)

    def _read_head(self) -> Exchange:
        if self._head_bytes > MAX_HEAD_BYTES:
            self._measure_head()
        parser = self._parser
        inbound = read_request(
            parser.get_method(),
            self._target,
            parser.get_http_version(),
            self._headers,
            self._gateway.table.header_names,
        )
        return Exchange(self._gateway, self, inbound, self._peer)

    def _measure_head(self) -> None:
        """Tell a long head from a short one whose body came in the same read."""
        fields_bytes = sum(len(name) + len(value) + 4 for name, value in self._headers)
        if len(self._target) + fields_bytes > MAX_HEAD_BYTES:
            raise too_large_head()

    def on_body(self, data: bytes) -> None:
        """Take a piece of the body."""
        if self._reading is not None:
            self._reading.request_body(data)

    def on_message_complete(self) -> None:
        """Note that a request is complete; after one that says so, no other follows."""
        exchange, self._reading = self._reading, None
        self._in_head, self._head_bytes = True, 0
        if exchange is not None:
            exchange.request_end()
            if not exchange.inbound.keep_alive:
                self._is_deaf = True

    # Door

    def interim(self, status: int, reason: bytes, headers: Sequence[Header]) -> None:
        """Write a 1xx head at once."""
        self._write([write_interim(status, reason, headers)])

    def head(self, outbound: Outbound) -> None:
        """Write the head; decide whether the connection outlives the answer."""
        exchange = self._queue[0]
        is_http11 = exchange.inbound.is_http11
        has_no_length = outbound.body in (Body.CHUNKED, Body.CLOSE)
        self._chunks = has_no_length and is_http11
        self._keep_alive = (
            exchange.inbound.keep_alive
            and exchange.request_complete
            and not self._is_leaving
            and (is_http11 or not has_no_length)
        )
        head = write_response(outbound, to_http11=is_http11, keep_alive=self._keep_alive)
        self._out.append(head)

    def body(self, data: bytes) -> None:
        """Gather a piece of the body."""
        if self._chunks:
            self._out += (b"%x\r\n" % len(data), data, b"\r\n")
        else:
            self._out.append(data)

    def flush(self) -> None:
        """Write what was gathered."""
        out, self._out = self._out, []
        if out:
            self._write(out)

    def problem(self, status: int, title: str, detail: str) -> None:
        """Write the gateway's own answer."""
        exchange = self._queue[0]
        self._chunks = False
        self._keep_alive = (
            exchange.inbound.keep_alive and exchange.request_complete and not self._is_leaving
        )
        is_head = exchange.method == b"HEAD"
        answer = write_problem(status, title, detail, head=is_head, keep_alive=self._keep_alive)
        self._out.append(answer)

    def over(self) -> None:
        """Complete the answer, then go on, or close."""
        if self._chunks:
            self._out.append(b"0\r\n\r\n")
            self._chunks = False
        self.flush()
        exchange = self._queue.popleft()
        self._since_s = self._gateway.now_s
        if self._keep_alive:
            self._release(_HOLD_UPLOAD)
            self._advance()
        elif exchange.request_complete or self._transport is None:
            self._close()
        else:
            self._linger()

    def abort(self) -> None:
        """Cut the connection: the answer must not look complete."""
        self._queue.clear()
        self._abort()

    def hold_upload(self) -> None:
        """Stop reading the body."""
        self._hold(_HOLD_UPLOAD)

    def release_upload(self) -> None:
        """Read on."""
        self._release(_HOLD_UPLOAD)

    # Inside

    def _advance(self) -> None:
        """Start the first exchange in line, and send on what has come for it."""
        if self._is_advancing:
            return
        self._is_advancing = True
        try:
            while self._queue:
                exchange = self._queue[0]
                if not exchange.is_started:
                    exchange.start()
                if self._queue and self._queue[0] is exchange:
                    exchange.pump()
                    break
        finally:
            self._is_advancing = False
        if len(self._queue) > _MAX_PIPELINED:
            self._hold(_HOLD_PIPELINE)
        else:
            self._release(_HOLD_PIPELINE)

    def _refuse(self, refusal: BadRequest) -> None:
        """Refuse what is being read, behind the answers still due, and read nothing more."""
        self._is_deaf = True
        reading, self._reading = self._reading, None
        if reading is not None and reading.is_started:
            if not reading.is_over:
                reading.break_off(refusal)
            return
        if reading is not None:
            self._queue.remove(reading)
        self._queue.append(RefusedExchange(self._gateway, self, self._peer, refusal))

    def _write(self, pieces: list[bytes]) -> None:
        if self._transport is None:
            return
        if len(pieces) == 1:
            self._transport.write(pieces[0])
        elif sum(map(len, pieces)) <= _JOIN_BYTES:
            self._transport.write(b"".join(pieces))
        else:
            self._transport.writelines(pieces)

    def _hold(self, reason: int) -> None:
        if not self._holds and self._transport is not None:
            self._transport.pause_reading()
        self._holds |= reason

    def _release(self, reason: int) -> None:
        if self._holds & reason:
            self._holds &= ~reason
            if not self._holds and self._transport is not None:
                self._transport.resume_reading()

    def _linger(self) -> None:
        """Let the customer read an early answer: a close while data arrives would reset it away."""
        self._is_deaf = True
        self._release(_HOLD_PIPELINE | _HOLD_UPLOAD)
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write_eof()

    def _close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()


def _parse_failure(error: httptools.HttpParserError) -> BadRequest:
    if isinstance(error, httptools.HttpParserInvalidMethodError):
        return BadRequest(501, "Not Implemented", "This method is not supported.")
    return BadRequest(400, "Bad Request", "The request is not well-formed HTTP/1.1.")
