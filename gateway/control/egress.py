"""The egress listener: the two sides' calls to their collaborators, passed on or pinned.

An ASGI application with no page of its own. What a collaborator does reaches the caller as it
would without us: its status, headers, pieces as they come, and a cut connection where it cut one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from urllib.parse import unquote_to_bytes

import httpx

from gateway.control.egress_door import CUT, Receive, Scope, Send
from gateway.parallel_run.compare.calls import Call
from gateway.parallel_run.passed import Passed, Reply, trace_of
from gateway.parallel_run.pinned import MOST_ANSWER_BYTES, Book, Forward, Refuse, Replay
from gateway.proxy.pool import Pool
from gateway.proxy.spawn import Running, spawn
from gateway.proxy.transport import PoolTransport
from gateway.routing.snapshot import Door, Egress
from gateway.wire.messages import Header

MOST_REQUEST_BYTES = 16 * 1024 * 1024
"""Of a request that is kept, or looked up; larger ones pass all the same."""
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_HOP = frozenset(
    {
        b"connection",
        b"expect",
        b"host",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
_OURS = b"x-figueira-"
_REFUSED_METHODS = frozenset({"CONNECT", "TRACE"})
_PROBLEM = b"application/problem+json"
_UNMATCHED = (
    b'{"type":"about:blank","title":"Not Implemented","status":501,"detail":"The control made no '
    b'such call.","error":{"message":"The control made no such call.","type":"pinned",'
    b'"code":"unmatched_collaborator_call","param":null}}'
)
"""`error` is how OpenAI writes one. 501: nobody takes it for a fault that goes away by itself."""


class EgressApp:
    """Answers both sides' calls."""

    def __init__(
        self,
        egress: Egress,
        book: Book,
        wall_clock: Callable[[], float] = time.time,  # noqa: TID251 - this is where the clock is injected
    ) -> None:
        """Serve `egress`, by what `book` decides."""
        self._doors = [(door, Pool(door.to)) for door in egress.doors]
        self._names = _LOOPBACK | {egress.host.lower(), *egress.names}
        self._book = book
        self._now = wall_clock

    def close(self) -> None:
        """Keep no connection; calls under way end in peace."""
        for _, pool in self._doors:
            pool.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call (ASGI)."""
        if scope["type"] != "http":
            return
        refusal = self._refusal(scope)
        if refusal is not None:
            await _say(send, *refusal)
            return
        path = scope["raw_path"]
        for door, pool in self._doors:
            prefix = door.prefix.encode()
            if path == prefix or path.startswith(prefix + b"/"):
                query = scope["query_string"]
                rest = path[len(prefix) :] + (b"?" + query if query else b"")
                exchange = _Exchange(self._book, self._now, (door, pool), scope, rest)
                await exchange.run(receive, send)
                return
        await _say(send, 404, b"Not Found", b"No side has this prefix.")

    def _refusal(self, scope: Scope) -> tuple[int, bytes, bytes] | None:
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        if len(hosts) != 1:
            return 400, b"Bad Request", b"A request has exactly one Host."
        if _name_of(hosts[0]) not in self._names:
            return 421, b"Misdirected Request", b"This is not the host that was asked for."
        if any(name == b"origin" for name, _ in scope["headers"]):
            # Sides are programs; a page in a browser on this machine is neither of them.
            return 403, b"Forbidden", b"Pages may not call from here."
        if scope["method"] in _REFUSED_METHODS:
            return 501, b"Not Implemented", b"This method is not supported."
        segments = unquote_to_bytes(scope["raw_path"]).replace(b"\\", b"/").split(b"/")
        if b".." in segments or b"." in segments:
            return 400, b"Bad Request", b"A path has no dot segments here."
        return None


class _Exchange:
    """One call."""

    def __init__(
        self,
        book: Book,
        now: Callable[[], float],
        door: tuple[Door, Pool],
        scope: Scope,
        rest: bytes,
    ) -> None:
        self._book, self._now = book, now
        self._door, self._pool = door
        self._scope = scope
        self._rest = rest
        self._headers: list[Header] = scope["headers"]
        self._trace = trace_of(self._header(b"traceparent").decode("latin-1"))
        self._body = bytearray()
        self._is_whole = False
        self._is_kept = True
        self._began_at_s = now()
        self._task = asyncio.current_task()
        self._watch: Running | None = None
        self._is_gone = False

    async def run(self, receive: Receive, send: Send) -> None:
        """Answer it."""
        if not self._book.concerns(self._door.side, self._trace):
            await self._forward(receive, send, None)
            return
        await self._read(receive)
        if self._is_gone:
            return
        if not self._is_whole:
            await self._too_large(receive, send)
            return
        match self._book.asked(self._door.side, self._trace, self._call(), self._began_at_s):
            case Replay(reply=reply):
                await _replay(reply, self._scope, send)
            case Refuse():
                await _unmatched(send)
            case Forward(passed=passed):
                self._is_kept = passed is not None
                await self._forward(receive, send, passed)

    async def _too_large(self, receive: Receive, send: Send) -> None:
        if self._trace:
            self._book.refuse(self._door.side, self._trace, self._call(), self._began_at_s)
            await _unmatched(send)
        else:
            await self._forward(receive, send, None)

    def _header(self, name: bytes) -> bytes:
        return next((value for key, value in self._headers if key == name), b"")

    def _call(self) -> Call:
        return Call(
            method=self._scope["method"],
            target=self._rest.decode("latin-1"),
            content_type=self._header(b"content-type"),
            body=bytes(self._body),
        )

    async def _read(self, receive: Receive) -> None:
        """Read the request, as far as it is kept."""
        while not self._is_whole and len(self._body) <= MOST_REQUEST_BYTES:
            message = await receive()
            if message["type"] == "http.disconnect":
                self._is_gone = True
                return
            self._body += message.get("body", b"")
            self._is_whole = not message.get("more_body", False)

    async def _forward(self, receive: Receive, send: Send, passed: Passed | None) -> None:
        request = self._request(receive)
        answer = _Answer()
        try:
            response = await PoolTransport(self._pool).handle_async_request(request)
            try:
                await self._pass_back(response, send, answer)
            finally:
                await response.aclose()
        except httpx.TransportError:
            answer.is_cut = True
            self._scope["state"][CUT]()
        except asyncio.CancelledError:
            if not self._is_gone:
                raise
            answer.is_left = True
        finally:
            if self._watch is not None:
                self._watch.cancel()
            self._keep(answer, passed)

    def _request(self, receive: Receive) -> httpx.Request:
        named = {
            name.strip().lower() for name in self._header(b"connection").split(b",") if name.strip()
        } - {b"content-length"}
        lines = [(b"Host", self._door.host.encode())]
        lines += [
            (name, value)
            for name, value in self._headers
            if name not in _HOP and name not in named and not name.startswith(_OURS)
        ]
        is_chunked = bool(self._header(b"transfer-encoding"))
        if is_chunked:
            lines = [line for line in lines if line[0] != b"content-length"]
            lines.append((b"Transfer-Encoding", b"chunked"))
        return httpx.Request(
            self._scope["method"],
            "http://collaborator/",
            headers=lines,
            stream=_Upload(self._pieces(receive)),
            extensions={"target": (self._door.path.encode() + self._rest) or b"/"},
        )

    async def _pieces(self, receive: Receive) -> AsyncIterator[bytes]:
        """The request as it comes; behind it somebody has to hear if the caller leaves."""
        if self._body:
            yield bytes(self._body)
        while not self._is_whole:
            message = await receive()
            if message["type"] == "http.disconnect":
                self._leave()
                raise httpx.WriteError("the caller has left")
            piece = message.get("body", b"")
            if len(self._body) <= MOST_REQUEST_BYTES:
                self._body += piece
            self._is_whole = not message.get("more_body", False)
            if piece:
                yield piece
        self._watch = spawn(self._hear(receive), "egress-watch")

    async def _hear(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._leave()

    def _leave(self) -> None:
        self._is_gone = True
        if self._task is not None:
            self._task.cancel()

    async def _pass_back(self, response: httpx.Response, send: Send, answer: _Answer) -> None:
        answer.status = response.status_code
        answer.headers = tuple(
            (name.lower(), value)
            for name, value in response.headers.raw
            if name.lower() not in _HOP
        )
        await _begin(send, answer.status, answer.headers)
        stream = response.stream
        assert isinstance(stream, httpx.AsyncByteStream)  # noqa: S101 - the transport makes no other
        async for piece in stream:
            answer.take(piece)
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _keep(self, answer: _Answer, passed: Passed | None) -> None:
        """Tell the book, unless this call is nobody's twin."""
        if not self._is_kept:
            return
        side = self._door.side
        is_short = self._is_whole and len(self._body) <= MOST_REQUEST_BYTES
        if not is_short or answer.is_left or answer.is_too_large:
            self._book.lost(side, self._began_at_s, passed)
            return
        if passed is None:
            passed = self._book.passing(side, self._trace, self._call(), self._began_at_s)
        self._book.answered(passed, answer.reply(), self._now())


class _Answer:
    """What has come of an answer."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: tuple[Header, ...] = ()
        self.is_cut = self.is_left = self.is_too_large = False
        self._body = bytearray()

    def take(self, piece: bytes) -> None:
        """Keep a piece."""
        if len(self._body) + len(piece) > MOST_ANSWER_BYTES:
            self.is_too_large = True
            self._body.clear()
        if not self.is_too_large:
            self._body += piece

    def reply(self) -> Reply:
        """The whole."""
        body = bytes(self._body)
        return Reply(status=self.status, headers=self.headers, body=body, is_cut=self.is_cut)


class _Upload(httpx.AsyncByteStream):
    """A request's body, as it comes."""

    def __init__(self, pieces: AsyncIterator[bytes]) -> None:
        self._pieces = pieces

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._pieces


async def _begin(send: Send, status: int, headers: tuple[Header, ...]) -> None:
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})


async def _replay(reply: Reply, scope: Scope, send: Send) -> None:
    if reply.status:
        await _begin(send, reply.status, reply.headers)
        is_cut = reply.is_cut
        await send({"type": "http.response.body", "body": reply.body, "more_body": is_cut})
    if reply.is_cut:
        scope["state"][CUT]()


async def _say(send: Send, status: int, title: bytes, detail: bytes) -> None:
    body = b'{"type":"about:blank","title":"%b","status":%d,"detail":"%b"}' % (
        title,
        status,
        detail,
    )
    await _problem(send, status, body)


async def _unmatched(send: Send) -> None:
    # The SDK would ask again, and find nothing again.
    await _problem(send, 501, _UNMATCHED, (b"x-should-retry", b"false"))


async def _problem(send: Send, status: int, body: bytes, *more: Header) -> None:
    length = (b"content-length", b"%d" % len(body))
    # Nobody reads the rest of the request: the server must not take it for the next one.
    headers = ((b"content-type", _PROBLEM), length, (b"connection", b"close"), *more)
    await _begin(send, status, headers)
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _name_of(host: bytes) -> str:
    text = host.decode("latin-1").lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0]
