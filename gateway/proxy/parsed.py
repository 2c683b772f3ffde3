"""Answers that are not plain: chunked, interim, without a body, of unknown length, or odd."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import httptools

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

if TYPE_CHECKING:
    from gateway.proxy.ports import Caller


_MOST_INTERIM = 1_000
"""Before one final answer: a backend that never comes to it is cut."""


class ParsedAnswer:
    """One final answer, and the interim ones before it, as the parser reads them.

    It has a parser of its own: nothing of one answer is left in it for the next.
    """

    __slots__ = (
        "_caller",
        "_fields",
        "_flaw",
        "_frame_bytes",
        "_interim",
        "_is_begun",
        "_is_http11",
        "_parser",
        "_pieces",
        "_reason",
        "has_extra",
        "is_ended",
        "outbound",
    )

    def __init__(self, caller: Caller) -> None:
        """Read an answer to the request of `caller`, who also hears of interim answers."""
        self._caller = caller
        self._parser = httptools.HttpResponseParser(self)
        self._fields: list[Header] = []
        self._reason = b""
        self._is_begun = False
        self._is_http11 = False
        self._frame_bytes = 0
        self._interim = 0
        self._pieces: list[Piece] = []
        self._flaw = ""
        self.outbound: Outbound | None = None
        """The final answer's head, once it has come."""
        self.is_ended = False
        """Whether the final answer is complete."""
        self.has_extra = False
        """Whether something came behind it."""

    def feed(self, data: bytes) -> bytes | None:
        """Read on.

        Returns:
            What came behind the head of a 101 answer, which are bytes of another protocol; None
            behind any other.

        Raises:
            BadResponse: The answer cannot be passed on; what came before in `data` neither.
            httptools.HttpParserCallbackError: This code has failed.
        """
        early: bytes | None = None
        if not self._is_begun:
            self._is_begun, self._is_http11 = True, data[:9] == b"HTTP/1.1 "
            if data[:1] != b"H":
                raise BadResponse("bytes before the status line")
        self._frame_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            early = data[upgrade.args[0] :]
        except httptools.HttpParserCallbackError:
            raise
        except httptools.HttpParserError as error:
            self._blame(str(error))
        if self._frame_bytes > MAX_HEAD_BYTES:
            self._blame(f"over {MAX_HEAD_BYTES} bytes of head or chunk frames")
        if self._flaw:
            raise BadResponse(self._flaw)
        return early

    def take(self) -> list[Piece]:
        """The pieces of the body that have come since this was last asked."""
        pieces, self._pieces = self._pieces, []
        return pieces

    @property
    def trailers(self) -> Sequence[Header]:
        """The fields behind the body of an answer that is complete."""
        return self._fields

    # httptools callbacks: nothing is decided here that could start another exchange

    def on_message_begin(self) -> None:
        """Start a head; after the final answer's end this is a stray one."""
        if self.is_ended:
            self.has_extra = True
        else:
            self._fields, self._reason = [], b""

    def on_status(self, reason: bytes) -> None:
        """Take (a part of) the reason phrase."""
        self._reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field line; those behind the body are trailers."""
        if not self.has_extra:
            self._fields.append((name, value))

    def on_headers_complete(self) -> None:
        """Read the head."""
        fields = self._fields
        if self.is_ended or self._flaw:
            return
        self._fields = []
        try:
            if self._frame_bytes > MAX_HEAD_BYTES or len(fields) > MAX_FIELDS:
                check_head(fields)
            self._frame_bytes = 0
            self._read_head(self._parser.get_status_code(), fields)
        except BadResponse as error:
            self._blame(str(error))

    def _read_head(self, status: int, fields: Sequence[Header]) -> None:
        # Asked only where it is in doubt: the parser makes a text of it each time.
        version = "1.1" if self._is_http11 else self._parser.get_http_version()
        caller = self._caller
        if status >= FIRST_FINAL:
            self.outbound = read_response(caller.method, version, status, self._reason, fields)
            # The parser may think that there is a body; what comes of it is extra.
            self.is_ended = self.outbound.body is Body.NONE
        elif status == SWITCHING_PROTOCOLS:
            self.outbound = read_switch(caller.upgrade, version, self._reason, fields)
        elif status < FIRST_INTERIM:
            raise BadResponse(f"status {status} does not exist")
        else:
            self._is_http11 = False
            self._interim += 1
            if self._interim > _MOST_INTERIM:
                raise BadResponse(f"more than {_MOST_INTERIM} interim answers")
            check_reason(self._reason)
            caller.answer_interim(status, self._reason, fields)

    def on_body(self, data: bytes) -> None:
        """Take a piece of the body; behind the end it is a stray one."""
        self._frame_bytes = 0
        if self.is_ended:
            self.has_extra = True
        elif self.outbound is None:
            self._blame("a body behind an interim answer")
        else:
            self._pieces.append(data)

    def on_message_complete(self) -> None:
        """Note the end of the final answer (an interim one is followed by another)."""
        if self.outbound is not None:
            self.is_ended = True

    def _blame(self, flaw: str) -> None:
        if self.is_ended:
            # The answer is complete and its customer gets it; nobody else gets what came behind.
            self.has_extra = True
        elif not self._flaw:
            self._flaw = flaw
