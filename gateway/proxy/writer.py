"""Writes answers to a customer's connection: gathered while one read is looked at, written once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from gateway.wire.inbound import Body, Inbound
from gateway.wire.messages import Header, Piece
from gateway.wire.problem import write_problem
from gateway.wire.response import Outbound, write_interim, write_response
from gateway.wire.trailers import write_last_chunk

_JOIN_BYTES = 16 * 1024
"""Below, one copy is cheaper than handing many buffers to the kernel."""
_, _, _CHUNKED, _CLOSE = Body


class AnswerWriter:
    """The writing half of a customer's connection, from which its door is made."""

    __slots__ = ("_chunks", "_out", "keep_alive", "transport")

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        """Where to; None if the connection is gone."""
        self.keep_alive = True
        """Whether the connection outlives the answer that is being written."""
        self._out: list[Piece] = []
        self._chunks = False

    def interim(self, status: int, reason: bytes, headers: Sequence[Header]) -> None:
        """Gather a 1xx head."""
        self._out.append(write_interim(status, reason, headers))

    def write_head(self, inbound: Inbound, outbound: Outbound, *, may_stay: bool) -> None:
        """Gather the head; decide whether the connection outlives the answer.

        Args:
            inbound: The request.
            outbound: The answer's head.
            may_stay: Whether it may, as far as we are concerned.
        """
        body, is_http11 = outbound.body, inbound.is_http11
        has_no_length = body is _CHUNKED or body is _CLOSE
        self._chunks = has_no_length and is_http11
        self.keep_alive = keep_alive = (
            may_stay and inbound.keep_alive and (is_http11 or not has_no_length)
        )
        if keep_alive and is_http11 and outbound.head:
            self._out.append(outbound.head)
        else:
            self._out.append(write_response(outbound, to_http11=is_http11, keep_alive=keep_alive))

    def write_switch(self, outbound: Outbound) -> None:
        """Write the head of a 101 answer."""
        self._out.append(write_response(outbound, to_http11=True, keep_alive=True))
        self.flush()

    def write_own(
        self,
        inbound: Inbound,
        start: tuple[int, str],
        parts: tuple[list[Header], bytes],
        *,
        may_stay: bool,
    ) -> None:
        """Gather an answer of the gateway's own: status and title, fields and body."""
        self._chunks = False
        self.keep_alive = keep_alive = may_stay and inbound.keep_alive and inbound.is_http11
        is_head = inbound.method == b"HEAD"
        self._out.append(write_problem(*start, parts, head=is_head, keep_alive=keep_alive))

    def body(self, pieces: Sequence[Piece]) -> None:
        """Gather pieces of the body."""
        if self._chunks:
            self._out += (b"%x\r\n" % sum(map(len, pieces)), *pieces, b"\r\n")
        else:
            self._out += pieces

    def write_end(self, pieces: Sequence[Piece], trailers: Sequence[Header]) -> None:
        """Write the last of the body, and what ends it."""
        if not self._chunks:
            self._out += pieces
        else:
            if pieces:
                self.body(pieces)
            self._out.append(write_last_chunk(trailers))
            self._chunks = False
        self.flush()

    def flush(self) -> None:
        """Write what was gathered."""
        out, transport = self._out, self.transport
        if out and transport is not None:
            self._out = []
            if len(out) == 1:
                transport.write(out[0])
            elif sum(map(len, out)) <= _JOIN_BYTES:
                transport.write(b"".join(out))
            else:
                transport.writelines(out)
