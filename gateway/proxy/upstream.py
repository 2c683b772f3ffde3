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
from gateway.proxy.parsed import ParsedAnswer
from gateway.proxy.parting import has_unread
from gateway.proxy.tunnel import Tunnel
from gateway.telemetry.events import Event
from gateway.wire.inbound import MAX_FIELDS, Body
from gateway.wire.messages import Header, Piece
from gateway.wire.plain_response import LastHead, read_plain_response
from gateway.wire.response import BadResponse, Outbound
from gateway.wire.trailers import kept_trailers

if TYPE_CHECKING:
    from gateway.proxy.pool import Pool
    from gateway.proxy.ports import Caller

WRITE_BUFFER_BYTES = 64 * 1024
"""What may wait in a transport, each way, before the other side is held."""
_RAW_BYTES = 32 * 1024
"""Of a body, from which on another copy of each piece would be felt."""
_FULL_READ_BYTES = 256_000
"""What the event loop reads at once, and no more (uvloop, ``UV_STREAM_RECV_BUF_SIZE``)."""
_CLOSE = Body.CLOSE
_log = logging.getLogger("figueira")


class UpstreamConnection(asyncio.Protocol):
    """A keep-alive connection that its pool lends to one caller at a time.

    What one read brings is parsed first and handed over then: an answer that turns out broken
    within it is a 502, and never an answer cut short.
    """

    __slots__ = (
        "_answer",
        "_body_left",
        "_caller",
        "_ended",
        "_fault",
        "_has_extra",
        "_is_head_due",
        "_is_held",
        "_is_raw",
        "_is_read_full",
        "_is_sent",
        "_last_head",
        "_outbound",
        "_pieces",
        "_pool",
        "_transport",
        "address",
        "has_answered",
        "idle_since_s",
        "is_reused",
    )

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._transport: asyncio.Transport | None = None
        self._caller: Caller | None = None
        self._answer: ParsedAnswer | None = None
        """The answer, if the parser reads it."""
        self._last_head = LastHead()
        self._outbound: Outbound | None = None
        self._is_head_due = False
        self._pieces: list[Piece] = []
        self._body_left = 0
        self._is_raw = False
        self._is_read_full = False
        self._fault: UpstreamError | None = None
        self._ended = False
        self._has_extra = False
        self._is_sent = False
        self._is_held = False
        self.address = ""
        self.is_reused = False
        self.has_answered = False
        self.idle_since_s = 0.0

    def begin(self, caller: Caller) -> None:
        """Serve `caller` from now on."""
        self._caller = caller
        self._outbound = None
        self._is_head_due = False
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
        self._is_read_full = len(data) >= _FULL_READ_BYTES
        if caller is None:
            # Bytes that nobody asked for: an answer to come would be the next customer's.
            self._cut()
            return
        if self._is_raw:
            self._take_raw(caller, data)
        elif self.has_answered or caller.method == b"HEAD" or not self._takes_plain(caller, data):
            self._take_parsed(caller, data)

    def _takes_plain(self, caller: Caller, data: bytes) -> bool:
        """Pass on an answer that needs no parser, if that is what begins here."""
        try:
            plain = read_plain_response(data, self._last_head)
        except Exception:  # noqa: BLE001 - an answer's root: the parser may still make sense of it
            _log.exception(Event.ANSWER_FAILED.value)
            return False
        if plain is None:
            return False
        outbound, head_bytes = plain
        self.has_answered = self._is_head_due = True
        self._outbound = outbound
        # A large body need not be copied once more.
        body = (data if len(data) <= _RAW_BYTES else memoryview(data))[head_bytes:]
        if len(body) == outbound.length:
            self._ended = True
            if body:
                self._pieces.append(body)
            self._finish(caller, outbound)
        else:
            self._body_left = outbound.length
            self._take_raw(caller, body)
        return True

    def _take_parsed(self, caller: Caller, data: bytes) -> None:
        """Pass on what the parser makes of a piece of an answer."""
        self.has_answered = True
        answer = self._answer
        if answer is None:
            self._answer = answer = ParsedAnswer(caller)
        try:
            early = answer.feed(data)
        except BadResponse as error:
            self._break_off(Source.UPSTREAM, str(error))
            return
        except httptools.HttpParserCallbackError as error:
            _log.exception(Event.ANSWER_FAILED.value)
            self._break_off(Source.INTERNAL, str(error))
            return
        outbound = answer.outbound
        if self._caller is None:
            return
        if self._outbound is None and outbound is not None:
            self._outbound, self._is_head_due, self._body_left = outbound, True, outbound.length
        if early is not None and outbound is not None:
            self._switch(caller, outbound, early)
            return
        self._pieces, self._ended, self._has_extra = (
            answer.take(),
            answer.is_ended,
            answer.has_extra,
        )
        self._body_left -= sum(map(len, self._pieces))
        self._is_raw = self._body_left > _RAW_BYTES and not self._ended
        self._hand_over(caller)

    def _hand_over(self, caller: Caller) -> None:
        """Pass on what one read has brought."""
        outbound, pieces = self._outbound, self._pieces
        if outbound is None:
            caller.answer_flush()
        elif self._ended:
            self._finish(caller, outbound)
        else:
            self._pieces = []
            caller.answer(outbound if self._is_head_due else None, pieces)
            self._is_head_due = False
            caller.answer_flush()

    def _take_raw(self, caller: Caller, data: Piece) -> None:
        """Pass on a piece of a body with a length, without parsing it."""
        self._body_left = left_bytes = self._body_left - len(data)
        if left_bytes < 0:
            self._has_extra = True
            data = data[:left_bytes]
        if data:
            self._pieces.append(data)
        self._ended = left_bytes <= 0
        self._is_raw = not self._ended
        self._hand_over(caller)

    def _switch(self, caller: Caller, outbound: Outbound, early: bytes) -> None:
        """Become an end of a tunnel; the caller joins the other."""
        transport = self._transport
        if transport is None:
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

    # Endings

    def _finish(self, caller: Caller, outbound: Outbound) -> None:
        """Take leave of the caller with the last of its answer; be there for the next."""
        pieces, answer = self._pieces, self._answer
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
            # A read that brought so much may not have brought all there was.
            and not (self._is_read_full and has_unread(transport))
        )
        trailers: Sequence[Header] = ()
        if answer is not None:
            self._answer, trailers = None, answer.trailers
            is_clean = is_clean and len(trailers) <= MAX_FIELDS
            trailers = kept_trailers(trailers[:MAX_FIELDS])
        if self._is_held:
            # A slow customer may have held the last piece: the next one's answer must not wait.
            self.release_answer()
        if is_clean:
            self.is_reused = True
            self._pool.give_back(self)
        else:
            self.abandon()
        caller.answer_end(head, pieces, trailers)

    def _ends_with_connection(self) -> bool:
        return self._outbound is not None and self._outbound.body is _CLOSE

    def _cut(self) -> None:
        """Cut the connection; `connection_lost` tells the caller."""
        if self._transport is not None:
            self._transport.abort()

    def _break_off(self, source: Source, detail: str) -> None:
        """Give up an answer; `connection_lost` tells the caller."""
        self._fault = self._error(Cause.PROTOCOL, detail, source)
        self._cut()

    def _error(self, cause: Cause, detail: str, source: Source = Source.UPSTREAM) -> UpstreamError:
        if self._outbound is not None:
            stage = Stage.READ_BODY
        else:
            stage = Stage.READ_HEAD if self._is_sent else Stage.SEND_BODY
        return UpstreamError(stage, source, cause, detail)
