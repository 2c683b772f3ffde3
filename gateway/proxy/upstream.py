"""One connection to a backend: sends a request's bytes, reads the answer.

Before a connection serves again, its answer has ended, nothing is left in parser or socket, and
the whole request has left: otherwise one customer's bytes could reach the next.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import httptools

from gateway.errors import Cause, Source, Stage, UpstreamError
from gateway.proxy.tunnel import Tunnel
from gateway.telemetry.events import Event
from gateway.wire.inbound import MAX_FIELDS, MAX_HEAD_BYTES, Body
from gateway.wire.messages import Header, Piece
from gateway.wire.response import (
    FIRST_FINAL,
    FIRST_INTERIM,
    SWITCHING_PROTOCOLS,
    BadResponse,
    Outbound,
    check_head,
    check_reason,
    read_response,
    read_switch,
)
from gateway.wire.trailers import kept_trailers

if TYPE_CHECKING:
    from gateway.proxy.pool import Pool
    from gateway.proxy.ports import Caller

WRITE_BUFFER_BYTES = 64 * 1024
"""What may wait in a transport, each way, before the other side is held."""
_RAW_BYTES = 32 * 1024
"""Of a body with a length, from which on the parser is left out: it would copy each piece, and a
fresh parser for the next answer costs as much as copying this."""
_NONE, _LENGTH, _, _CLOSE = Body
_log = logging.getLogger("figueira")


class UpstreamConnection(asyncio.Protocol):
    """A keep-alive connection that its pool lends to one caller at a time.

    What one read brings is parsed first and handed over then: an answer that turns out broken
    within it is a 502, and never an answer cut short.
    """

    __slots__ = (
        "_body_left",
        "_caller",
        "_ended",
        "_fault",
        "_fields",
        "_frame_bytes",
        "_has_extra",
        "_is_head_due",
        "_is_held",
        "_is_http11",
        "_is_raw",
        "_is_sent",
        "_outbound",
        "_parser",
        "_pieces",
        "_pool",
        "_reason",
        "_transport",
        "has_answered",
        "idle_since_s",
        "is_reused",
    )

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._caller: Caller | None = None
        self._frame_bytes = 0
        self._fields: list[Header] = []
        self._reason = b""
        self._outbound: Outbound | None = None
        self._is_head_due = False
        self._pieces: list[Piece] = []
        self._body_left = 0
        self._is_raw = False
        self._fault: UpstreamError | None = None
        self._is_http11 = False
        self._ended = False
        self._has_extra = False
        self._is_sent = False
        self._is_held = False
        self.is_reused = False
        self.has_answered = False
        self.idle_since_s = 0.0

    def begin(self, caller: Caller) -> None:
        """Serve `caller` from now on."""
        self._caller = caller
        self._outbound = None
        self._is_head_due = False
        self._frame_bytes = 0
        self._ended = self._is_sent = self.has_answered = False

    @property
    def is_gone(self) -> bool:
        """Whether the connection ended before it was lent: its end will not be told again."""
        return self._transport is None

    def send_whole(self, request: bytes) -> None:
        """Send a request that is complete."""
        self._is_sent = True
        if self._transport is not None:
            self._transport.write(request)

    def send(self, pieces: Sequence[bytes]) -> None:
        """Send bytes of the request; may call `upload_blocked` before it returns."""
        if self._transport is not None:
            self._transport.writelines(pieces)

    def sent_all(self) -> None:
        """Note that the request is complete."""
        self._is_sent = True

    def abandon(self) -> None:
        """Cut the connection; the caller hears no more of it."""
        self._caller = None
        if self._transport is not None:
            self._transport.abort()

    def hold_answer(self) -> None:
        """Stop reading from the backend."""
        if self._transport is not None and not self._is_held:
            self._is_held = True
            self._transport.pause_reading()

    def release_answer(self) -> None:
        """Read on."""
        if self._transport is not None and self._is_held:
            self._is_held = False
            self._transport.resume_reading()

    def is_closing(self) -> bool:
        """Whether the connection can carry nothing more."""
        return self._transport is None or self._transport.is_closing()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES)

    def data_received(self, data: bytes) -> None:
        """Read a piece of the answer."""
        caller = self._caller
        if caller is None:
            # Bytes that nobody asked for: an answer to come would be the next customer's.
            self._cut()
            return
        if self._is_raw:
            self._take_raw(caller, data)
        elif len(data) > _RAW_BYTES and self._outbound is None and caller.upgrade is None:
            self._read_much(caller, data)
        elif self._parse(caller, data):
            self._hand_over(caller)

    def _parse(self, caller: Caller, data: Piece) -> bool:
        """Feed the parser; whether there is something to hand over, if only that more may come."""
        if not self.has_answered:
            self.has_answered = True
            self._is_http11 = data[:9] == b"HTTP/1.1 "
            if not self._is_http11 and data[:1] != b"H":
                self._blame("bytes before the status line")
        self._frame_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._switch(caller, bytes(data[upgrade.args[0] :]))
        except httptools.HttpParserError as error:
            self._blame_for(error)
        if self._frame_bytes > MAX_HEAD_BYTES:
            self._blame(f"over {MAX_HEAD_BYTES} bytes of head or chunk frames")
        if self._fault is not None:
            self._cut()
        return self._fault is None and self._caller is not None

    def _read_much(self, caller: Caller, data: bytes) -> None:
        """Read a head with much behind it: the parser would copy a body with a length."""
        end = data.find(b"\r\n\r\n") + 4
        if not self._parse(caller, data[:end]):
            return
        rest, outbound = memoryview(data)[end:], self._outbound
        if outbound is not None and outbound.body is _LENGTH and not self._ended:
            self._take_raw(caller, rest)
        elif self._parse(caller, rest):
            self._hand_over(caller)

    def _hand_over(self, caller: Caller) -> None:
        """Pass on what one read has brought."""
        outbound, pieces = self._outbound, self._pieces
        if outbound is None:
            caller.answer_flush()
        elif self._ended:
            self._finish(caller, outbound)
        else:
            self._body_left -= sum(map(len, pieces))
            self._is_raw = self._body_left > _RAW_BYTES
            self._pieces = []
            caller.answer(outbound if self._is_head_due else None, pieces)
            self._is_head_due = False
            caller.answer_flush()

    def _take_raw(self, caller: Caller, data: Piece) -> None:
        """Pass on a piece of a body with a length, without parsing it."""
        left_bytes = self._body_left - len(data)
        if left_bytes < 0:
            self._has_extra = True
            data = data[:left_bytes]
        self._pieces.append(data)
        if left_bytes <= 0:
            self._is_raw, self._ended = False, True
            self._replace_parser()
        self._hand_over(caller)
        if left_bytes > 0:
            self._is_raw = True

    def _blame_for(self, error: httptools.HttpParserError) -> None:
        if isinstance(error, httptools.HttpParserCallbackError):
            _log.error(Event.ANSWER_FAILED.value, exc_info=error)
            stage = Stage.READ_HEAD if self._outbound is None else Stage.READ_BODY
            self._fault = UpstreamError(stage, Source.INTERNAL, Cause.PROTOCOL, str(error))
        else:
            self._blame(str(error))

    def _switch(self, caller: Caller, early: bytes) -> None:
        """Become an end of a tunnel; the caller joins the other."""
        transport, outbound = self._transport, self._outbound
        if self._fault is not None or transport is None or outbound is None:
            return
        self._caller = self._transport = None
        tunnel = Tunnel(time.monotonic())
        tunnel.backend.join(transport, early, lambda: self._pool.forget(self))
        caller.answer_switch(outbound, tunnel)

    def eof_received(self) -> bool:
        """Close: a backend that has stopped sending has nothing more to say, or to be told."""
        self._cut()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the caller how its exchange ended."""
        self._transport = None
        unanswered = self._caller is not None and not self.has_answered
        self._pool.forget(self, unanswered=unanswered)
        caller, self._caller = self._caller, None
        if caller is None:
            return
        if exc is None and self._fault is None and self._ends_with_connection():
            caller.answer_end(None, (), ())
        else:
            caller.failed(self._fault or self._error(Cause.CLOSED, str(exc or "connection closed")))

    def pause_writing(self) -> None:
        """Hold the upload."""
        if self._caller is not None:
            self._caller.upload_blocked()

    def resume_writing(self) -> None:
        """Release the upload."""
        if self._caller is not None:
            self._caller.upload_free()

    # httptools callbacks: nothing is decided here that could start another exchange

    def on_message_begin(self) -> None:
        """Start a head; after the final answer's end this is a stray one."""
        if self._ended:
            self._has_extra = True
        self._fields, self._reason = [], b""

    def on_status(self, reason: bytes) -> None:
        """Take (a part of) the reason phrase."""
        self._reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field line; those behind the body are trailers."""
        self._fields.append((name, value))

    def on_headers_complete(self) -> None:
        """Read the head."""
        fields, caller = self._fields, self._caller
        if self._ended or self._fault is not None or caller is None:
            return
        try:
            if self._frame_bytes > MAX_HEAD_BYTES or len(fields) > MAX_FIELDS:
                check_head(fields)
            self._frame_bytes = 0
            self._read_head(caller, self._parser.get_status_code(), fields)
        except BadResponse as error:
            self._blame(str(error))
        self._fields = []

    def _read_head(self, caller: Caller, status: int, fields: Sequence[Header]) -> None:
        # Asked only where it is in doubt: the parser makes a text of it each time.
        version = "1.1" if self._is_http11 else self._parser.get_http_version()
        if status >= FIRST_FINAL:
            outbound = read_response(caller.method, version, status, self._reason, fields)
            self._outbound, self._is_head_due = outbound, True
            self._body_left = outbound.length
            if outbound.body is _NONE:
                # The parser may think otherwise: it is replaced before the next answer.
                self._ended = True
        elif status == SWITCHING_PROTOCOLS:
            self._outbound = read_switch(caller.upgrade, version, self._reason, fields)
        elif status < FIRST_INTERIM:
            raise BadResponse(f"status {status} does not exist")
        else:
            self._is_http11 = False
            check_reason(self._reason)
            caller.answer_interim(status, self._reason, fields)

    def on_body(self, data: bytes) -> None:
        """Take a piece of the body; behind the end it is a stray one."""
        self._frame_bytes = 0
        if self._ended:
            self._has_extra = True
        elif self._outbound is None:
            self._blame("a body behind an interim answer")
        else:
            self._pieces.append(data)

    def on_message_complete(self) -> None:
        """Note the end of the final answer (an interim one is followed by another)."""
        if self._outbound is not None:
            self._ended = True

    # Endings

    def _finish(self, caller: Caller, outbound: Outbound) -> None:
        """Take leave of the caller with the last of its answer; be there for the next."""
        pieces, trailers = self._pieces, self._fields
        head = outbound if self._is_head_due else None
        self._caller, self._pieces = None, []
        transport = self._transport
        is_clean = (
            outbound.keep_alive
            and not self._has_extra
            # Unless the whole request has left, the rest of it would be the next one's beginning.
            and self._is_sent
            and transport is not None
            and transport.get_write_buffer_size() == 0
        )
        has_trailers = bool(trailers)
        if has_trailers:
            self._fields = []
            is_clean = is_clean and len(trailers) <= MAX_FIELDS
            trailers = kept_trailers(trailers[:MAX_FIELDS])
        if outbound.body is _NONE or outbound.has_hop or has_trailers:
            # What it made of these fields itself would be held against the next answer.
            self._replace_parser()
        if self._is_held:
            # A slow customer may have held the last piece: the next one's answer must not wait.
            self.release_answer()
        if is_clean:
            self.is_reused = True
            self._pool.give_back(self)
        else:
            self.abandon()
        caller.answer_end(head, pieces, trailers)

    def _replace_parser(self) -> None:
        self._parser = httptools.HttpResponseParser(self)

    def _ends_with_connection(self) -> bool:
        return self._outbound is not None and self._outbound.body is _CLOSE

    def _cut(self) -> None:
        """Cut the connection; `connection_lost` tells the caller."""
        if self._transport is not None:
            self._transport.abort()

    def _blame(self, detail: str) -> None:
        if self._ended:
            # The answer is complete and its customer gets it; nobody else gets what came behind.
            self._has_extra = True
        elif self._fault is None:
            self._fault = self._error(Cause.PROTOCOL, detail)

    def _error(self, cause: Cause, detail: str) -> UpstreamError:
        if self._outbound is not None:
            stage = Stage.READ_BODY
        else:
            stage = Stage.READ_HEAD if self._is_sent else Stage.SEND_BODY
        return UpstreamError(stage, Source.UPSTREAM, cause, detail)
