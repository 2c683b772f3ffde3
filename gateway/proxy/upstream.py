"""One connection to a backend: sends a request's bytes, reads the answer.

Before a connection serves again, its answer has ended, nothing is left in parser or socket, and
the whole request has left: otherwise one customer's bytes could reach the next.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import httptools

from gateway.errors import Cause, Source, Stage, UpstreamError
from gateway.telemetry.events import Event
from gateway.wire.messages import Header
from gateway.wire.request import MAX_FIELDS, MAX_HEAD_BYTES, Body
from gateway.wire.response import (
    FIRST_FINAL,
    SWITCHING_PROTOCOLS,
    BadResponse,
    Outbound,
    read_response,
)

if TYPE_CHECKING:
    from gateway.proxy.pool import Pool
    from gateway.proxy.ports import Caller

WRITE_BUFFER_BYTES = 64 * 1024
"""What may wait in a transport, each way, before the other side is held."""
_log = logging.getLogger("figueira")


class UpstreamConnection(asyncio.Protocol):
    """A keep-alive connection that its pool lends to one caller at a time."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._caller: Caller | None = None
        self._frame_bytes = 0
        self._headers: list[Header] = []
        self._reason = b""
        self._in_head = True
        self._outbound: Outbound | None = None
        self._fault: UpstreamError | None = None
        self._ended = False
        self._has_extra = False
        self._is_sent = False
        self._is_held = False
        self.is_reused = False
        self.has_answered = False
        self.idle_since_s = 0.0

    # Lent to a caller

    def begin(self, caller: Caller) -> None:
        """Serve `caller` from now on."""
        self._caller = caller
        self._outbound = None
        self._in_head, self._frame_bytes = True, 0
        self._ended = self._is_sent = self.has_answered = False

    @property
    def is_gone(self) -> bool:
        """Whether the connection ended before it was lent: its end will not be told again."""
        return self._transport is None

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
        if self._caller is None:
            # Bytes that nobody asked for: an answer to come would be the next customer's.
            self._cut()
            return
        self.has_answered = True
        self._frame_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError as error:
            _log.error(Event.ANSWER_FAILED.value, exc_info=error)
            stage = Stage.READ_HEAD if self._outbound is None else Stage.READ_BODY
            self._fault = UpstreamError(stage, Source.INTERNAL, Cause.PROTOCOL, str(error))
        except httptools.HttpParserUpgrade:
            self._blame("a protocol upgrade that was not asked for")
        except httptools.HttpParserError as error:
            self._blame(str(error))
        self._after_feed()

    def _after_feed(self) -> None:
        if self._frame_bytes > MAX_HEAD_BYTES:
            self._blame(f"over {MAX_HEAD_BYTES} bytes of head or chunk frames")
        if self._fault is not None:
            self._cut()
        elif self._ended:
            self._finish()
        elif self._caller is not None:
            self._caller.answer_flush()

    def eof_received(self) -> bool:
        """Close: a backend that has stopped sending has nothing more to say, or to be told."""
        self._cut()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the caller how its exchange ended."""
        self._transport = None
        self._pool.forget(self)
        caller, self._caller = self._caller, None
        if caller is None:
            return
        if exc is None and self._fault is None and self._ends_with_connection():
            caller.answer_end()
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
        self._headers, self._reason, self._in_head = [], b"", True

    def on_status(self, reason: bytes) -> None:
        """Take (a part of) the reason phrase."""
        self._reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field line; those behind the body are trailers and end here."""
        if self._in_head:
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Read the head and pass it on."""
        self._in_head = False
        caller = self._caller
        if self._ended or self._fault is not None or caller is None:
            return
        if self._frame_bytes > MAX_HEAD_BYTES and self._head_size() > MAX_HEAD_BYTES:
            self._blame(f"an answer's head over {MAX_HEAD_BYTES} bytes")
            return
        self._frame_bytes = 0
        status = self._parser.get_status_code()
        if status == SWITCHING_PROTOCOLS or len(self._headers) > MAX_FIELDS:
            self._blame(f"status {status} with {len(self._headers)} fields")
        elif 100 <= status < FIRST_FINAL:  # noqa: PLR2004 - the first status code there is
            caller.answer_interim(status, self._reason, self._headers)
        else:
            self._pass_head(caller, status)

    def _pass_head(self, caller: Caller, status: int) -> None:
        version = self._parser.get_http_version()
        try:
            outbound = read_response(caller.method, version, status, self._reason, self._headers)
        except BadResponse as error:
            self._blame(str(error))
            return
        self._outbound = outbound
        caller.answer_head(outbound)
        if outbound.body is Body.NONE:
            # The parser may think otherwise: it is replaced before the next answer.
            self._ended = True

    def _head_size(self) -> int:
        return sum(len(name) + len(value) + 4 for name, value in self._headers)

    def on_body(self, data: bytes) -> None:
        """Pass on a piece of the body; behind the end it is a stray one."""
        self._frame_bytes = 0
        if self._ended:
            self._has_extra = True
        elif self._outbound is None:
            self._blame("a body behind an interim answer")
        elif self._caller is not None and self._fault is None:
            self._caller.answer_body(data)

    def on_message_complete(self) -> None:
        """Note the end of the final answer (an interim one is followed by another)."""
        if self._outbound is not None:
            self._ended = True

    # Endings

    def _finish(self) -> None:
        caller, self._caller = self._caller, None
        assert caller is not None  # noqa: S101 - _ended is set only while a caller is served
        assert self._outbound is not None  # noqa: S101 - likewise
        is_clean = not self._has_extra and self._has_left()
        if self._outbound.body is Body.NONE:
            self._parser = httptools.HttpResponseParser(self)
            self._in_head = True
        # A slow customer may have held the last piece: the next one's answer must not wait.
        self.release_answer()
        if is_clean and self._outbound.keep_alive:
            self.is_reused = True
            self._pool.give_back(self)
        else:
            self.abandon()
        caller.answer_end()

    def _has_left(self) -> bool:
        """Whether the whole request has, so that the next can follow."""
        transport = self._transport
        return (
            self._is_sent
            and transport is not None
            and not transport.is_closing()
            and transport.get_write_buffer_size() == 0
        )

    def _ends_with_connection(self) -> bool:
        return self._outbound is not None and self._outbound.body is Body.CLOSE

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
