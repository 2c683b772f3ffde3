"""The ASGI door: the same gateway under any ASGI server.

Only an await-driven face on the exchange that the direct door uses; what ASGI has no words for
(interim answers, reason phrases, the case of header names) is lost here and nowhere else.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any

from gateway.errors import Cause, Source
from gateway.proxy.exchange import Exchange
from gateway.proxy.refused import RefusedExchange
from gateway.proxy.spawn import spawn
from gateway.proxy.tunnel import Tunnel
from gateway.proxy.upstream import WRITE_BUFFER_BYTES
from gateway.wire.forwarded import Peer
from gateway.wire.inbound import BadRequest, malformed
from gateway.wire.messages import Header, Piece
from gateway.wire.request import METHOD, read_request
from gateway.wire.response import Outbound

if TYPE_CHECKING:
    from gateway.proxy.gateway import Gateway

_FIRST_PIECE_S = 1.0
"""For a body to begin; whoever has not begun then may wait for the answer, and is sent on."""
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class AnswerCutError(Exception):
    """Raised to the ASGI server: the answer broke off, so its connection must break too."""


class AsgiDoor:
    """One request of an ASGI server; the `Door` of its exchange."""

    def __init__(self, *, is_http1: bool) -> None:
        """Take a request; `is_http1` says whether connections end by a word in its answer."""
        self._is_http1 = is_http1
        self._events: deque[MutableMapping[str, Any]] = deque()
        self._waiting_bytes = 0
        self._wake = asyncio.Event()
        self._may_read = asyncio.Event()
        self._may_read.set()
        self._is_over = False
        self._is_cut = False
        self._exchange: Exchange | None = None

    async def serve(self, gateway: Gateway, scope: Scope, receive: Receive, send: Send) -> None:
        """Take the request from `receive` and pass its answer to `send`.

        Raises:
            AnswerCutError: The answer cannot be completed.
        """
        first, framing = await _look_at_body(scope, receive)
        if first is not None and first["type"] == "http.disconnect":
            return
        exchange = self._exchange = _read(gateway, self, scope, framing)
        gateway.exchanges.add(exchange)
        upload = spawn(self._upload(exchange, receive, first), "asgi-upload")
        try:
            exchange.start()
            await self._answer(exchange, send)
        finally:
            upload.cancel()
            exchange.client_gone()
            gateway.exchanges.discard(exchange)

    async def _upload(self, exchange: Exchange, receive: Receive, first: Message | None) -> None:
        """Feed the request in, after what has come `first`; then wait for the customer to leave."""
        while True:
            await self._may_read.wait()
            message, first = first or await receive(), None
            if message["type"] == "http.disconnect":
                exchange.client_gone()
                self.abort()
                return
            if not exchange.request_complete:
                if body := message.get("body", b""):
                    exchange.request_body(body)
                if not message.get("more_body", False):
                    exchange.request_complete = True
                exchange.pump()

    async def _answer(self, exchange: Exchange, send: Send) -> None:
        while True:
            while self._events and not self._is_cut:
                event = self._events.popleft()
                await send(event)
                self._waiting_bytes -= len(event.get("body", b""))
                if exchange.is_answer_held and self._waiting_bytes <= WRITE_BUFFER_BYTES:
                    exchange.release_answer()
            if self._is_over and not self._events:
                return
            if self._is_cut:
                raise AnswerCutError
            self._wake.clear()
            await self._wake.wait()

    # Door

    def interim(self, status: int, reason: bytes, headers: Sequence[Header]) -> None:
        """Drop it: ASGI has no event for it (100 is the server's own)."""

    def head(self, outbound: Outbound) -> None:
        """Begin the answer."""
        self._begin(outbound.status, [(name.lower(), value) for name, value in outbound.lines])

    def body(self, pieces: Sequence[Piece]) -> None:
        """Pass pieces on; hold the backend if the server sends more slowly."""
        data = b"".join(pieces)
        self._events.append({"type": "http.response.body", "body": data, "more_body": True})
        self._waiting_bytes += len(data)
        exchange = self._exchange
        if exchange and self._waiting_bytes > WRITE_BUFFER_BYTES and not exchange.is_answer_held:
            exchange.hold_answer()

    def flush(self) -> None:
        """Let `serve` send."""
        self._wake.set()

    def problem(self, status: int, title: str, parts: tuple[list[Header], bytes]) -> None:  # noqa: ARG002 - the server has titles of its own
        """Answer with the gateway's own words."""
        headers, body = parts
        exchange = self._exchange
        inbound = exchange.inbound if exchange is not None else None
        if self._is_http1 and inbound and (inbound.has_body or not inbound.keep_alive):
            # Nobody reads the rest: the server must not take it for the next request.
            headers = [*headers, (b"Connection", b"close")]
        self._begin(status, [(name.lower(), value) for name, value in headers])
        if self._exchange is None or self._exchange.method != b"HEAD":
            self.body([body])

    def over(
        self,
        outbound: Outbound | None = None,
        pieces: Sequence[Piece] = (),
        trailers: Sequence[Header] = (),  # noqa: ARG002 - the servers pass none on
    ) -> None:
        """Complete the answer."""
        if outbound is not None:
            self.head(outbound)
        if pieces:
            self.body(pieces)
        self._events.append({"type": "http.response.body", "body": b"", "more_body": False})
        self._is_over = True
        self._wake.set()

    def switch(self, outbound: Outbound, tunnel: Tunnel) -> None:  # noqa: ARG002 - never offered
        """Break off: no other protocol was offered here."""
        tunnel.cut(Cause.CLOSED, Source.INTERNAL)
        self.abort()

    def abort(self) -> None:
        """Break off."""
        self._is_cut = True
        self._wake.set()

    def hold_upload(self) -> None:
        """Stop reading the body."""
        self._may_read.clear()

    def release_upload(self) -> None:
        """Read on."""
        self._may_read.set()

    def _begin(self, status: int, headers: list[Header]) -> None:
        self._events.append({"type": "http.response.start", "status": status, "headers": headers})


async def _look_at_body(scope: Scope, receive: Receive) -> tuple[Message | None, list[Header]]:
    """How a body is framed for the backend that came without framing of its own (HTTP/2).

    Returns:
        What had to be received to know, and the lines that say so; None and none for HTTP/1.
    """
    is_http1 = scope["http_version"].startswith("1.")
    if is_http1 or any(name == b"content-length" for name, _ in scope["headers"]):
        return None, []
    first = None
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_FIRST_PIECE_S):
            first = await receive()
    if first is None or first.get("more_body", False):
        return first, [(b"transfer-encoding", b"chunked")]
    length = len(first.get("body", b""))
    # Methods that are for a body say that there is none; RFC 9110, section 8.6.
    is_told = length or scope["method"] in _WITH_BODY
    return first, [(b"content-length", b"%d" % length)] if is_told else []


def _read(gateway: Gateway, door: AsgiDoor, scope: Scope, framing: list[Header]) -> Exchange:
    address = scope["client"][0] if scope.get("client") else ""
    if "." in address:
        # Servers that listen to both families on one socket write IPv4 as a part of IPv6.
        address = address.removeprefix("::ffff:")
    version = scope["http_version"]
    protocol = "HTTP/1.1" if version.startswith("1.") else f"HTTP/{version}"
    peer = Peer(address, scope.get("scheme", "http").encode(), protocol)
    query = scope.get("query_string", b"")
    target = scope["raw_path"] + (b"?" + query if query else b"")
    # ASGI servers keep the connection to themselves: no other protocol can be offered behind them.
    headers: list[Header] = [line for line in scope["headers"] if line[0] != b"upgrade"]
    if version in {"2", "2.0", "3", "3.0"}:
        version = "1.1"
        headers += framing
    method = scope["method"].encode("latin-1")
    try:
        if not METHOD.fullmatch(method):
            raise malformed("The method is malformed.")
        inbound = read_request(method, target, version, headers, gateway.names)
    except BadRequest as refusal:
        return RefusedExchange(gateway, door, peer, refusal)
    return Exchange(gateway, door, inbound, peer)
