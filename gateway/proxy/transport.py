"""A pool as a transport of httpx, for calls off the hot path: trials, probes, replay.

Given to ``httpx.AsyncClient(transport=...)`` or called directly. The URL's host goes nowhere but
into Host: the pool says where the request goes. Header fields cross as they are, both ways; no
cookie is kept, nothing is repeated, no redirect followed. The pool belongs to whoever made it:
closing the transport leaves it open.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import httpx

from gateway.proxy.call import Call

if TYPE_CHECKING:
    from gateway.proxy.pool import Pool


class PoolTransport(httpx.AsyncBaseTransport):
    """Sends requests over the connections of one pool."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; return as soon as the answer's head is there.

        Timeouts are the client's if it has any, else the backend's of routes.yaml. Of a client's,
        ``connect`` and ``pool`` together bound the wait for a connection, and ``read`` begins when
        the request has been sent.

        Raises:
            httpx.TransportError: There is no answer; which kind says why.
        """
        # Nobody else may be looking after idle connections here.
        self._pool.sweep(time.monotonic())
        call = Call(self._pool, request)
        try:
            outbound = await call.ask()
        except BaseException:
            call.leave()
            raise
        return httpx.Response(
            status_code=outbound.status,
            headers=outbound.lines,
            stream=_AnswerBody(call),
            extensions={"http_version": b"HTTP/1.1", "reason_phrase": outbound.reason},
        )


class _AnswerBody(httpx.AsyncByteStream):
    """The body of an answer, as it comes."""

    def __init__(self, call: Call) -> None:
        self._call = call

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            while piece := await self._call.next_piece():
                yield piece
        except BaseException:
            self._call.leave()
            raise

    async def aclose(self) -> None:
        """Cut what is still to come."""
        self._call.leave()
