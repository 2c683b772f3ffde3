"""Reads requests from a customer's bytes: heads, bodies, ends, and what must be refused.

The parser cannot be paused, so it is fed in slices, and no further than the receiver has room:
thousands of requests in one packet must not become thousands of objects.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import httptools

from gateway.telemetry.events import Event
from gateway.wire.inbound import (
    MAX_FIELDS,
    MAX_HEAD_BYTES,
    BadRequest,
    Body,
    Inbound,
    too_large_head,
)
from gateway.wire.messages import Header
from gateway.wire.request import read_request

if TYPE_CHECKING:
    from gateway.proxy.gateway import Gateway

_SLICE_BYTES = 2 * 1024
"""Fed to the parser at once: some 80 of the shortest requests there are. Each becomes an exchange
before anybody can say that it is enough."""
_HEAD_PATIENCE_S = 10.0
"""For a whole request head: a browser's comes in one packet, an attacker's one byte a second."""
_log = logging.getLogger("figueira")
_NONE = Body.NONE


class Receiver(Protocol):
    """Who takes what has been read."""

    @property
    def is_full(self) -> bool:
        """Whether reading on would only pile up."""

    def request_read(self, inbound: Inbound) -> None:
        """A head has come."""

    def body_read(self, data: bytes) -> None:
        """A piece of the body has come."""

    def request_ended(self, trailers: Sequence[Header]) -> None:
        """The request is complete; `trailers` are the fields that came behind its body."""

    def refused(self, refusal: BadRequest) -> None:
        """What has come is no acceptable request; nothing more is read."""


class RequestReader:
    """The reading half of a customer's connection."""

    __slots__ = (
        "_body_left",
        "_fields",
        "_gateway",
        "_inbound",
        "_parser",
        "_receiver",
        "_target",
        "_unframed_bytes",
        "ahead_bytes",
        "head_since_s",
        "is_between",
        "is_deaf",
        "is_in_head",
        "is_waiting",
        "rest",
    )

    def __init__(self, gateway: Gateway, receiver: Receiver) -> None:
        self._gateway = gateway
        self._receiver = receiver
        self._parser = httptools.HttpRequestParser(self)
        self.rest: memoryview | None = None
        """What waits here for the receiver to have room; None if nothing does."""
        self.is_between = True
        """Whether a byte to come would be the first of a request, or of another protocol."""
        self._target = b""
        self._fields: list[Header] = []
        self._inbound: Inbound | None = None
        self._body_left = 0
        self._unframed_bytes = 0
        self.ahead_bytes = 0
        """What was read since somebody last set this to 0."""
        self.is_deaf = False
        """Whether nothing more is read."""
        self.is_waiting = False
        """Whether what comes may belong to another protocol: the next answer says."""
        self.is_in_head = False
        """Whether a head has begun and is not complete."""
        self.head_since_s = 0.0
        """When it began."""

    def feed(self, data: bytes) -> None:
        """Read bytes of one or more requests, as far as the receiver has room."""
        rest = self.rest
        if rest is None and len(data) <= _SLICE_BYTES and not self.is_waiting:
            left_bytes = self._parse(data)
            if left_bytes:
                self.rest = memoryview(data)[-left_bytes:]
            return
        self.rest = memoryview(data if rest is None else bytes(rest) + data)
        self.read_on()

    @property
    def has_more(self) -> bool:
        """Whether something is left that could be read now, if there were room."""
        return self.rest is not None and not self.is_waiting

    @property
    def rest_bytes(self) -> int:
        """How much is left."""
        return 0 if self.rest is None else len(self.rest)

    def read_on(self) -> None:
        """Read what was left, as far as the receiver has room."""
        rest, self.rest = self.rest, None
        while rest and not self.is_deaf:
            if self.is_waiting or self._receiver.is_full:
                self.rest = rest
                return
            # All of it belongs to one body: nothing in there can begin another request.
            size = len(rest) if self._body_left >= len(rest) else _SLICE_BYTES
            piece = rest[:size]
            rest = rest[len(piece) - self._parse(piece) :]

    def stop_waiting(self) -> None:
        """Read on as HTTP: the offer to switch protocols was not taken up."""
        self.is_waiting = False
        self._parser = httptools.HttpRequestParser(self)

    def take_rest(self) -> bytes:
        """Hand over what came behind the offer that was taken up, and read nothing more."""
        rest = bytes(self.rest or b"")
        self.stop()
        return rest

    def stop(self) -> None:
        """Read nothing more."""
        self.is_deaf = True
        self.is_waiting = False
        self.rest = None

    def refuse(self, refusal: BadRequest) -> None:
        """Refuse what is being read."""
        if not self.is_deaf:
            self.stop()
            if self._target or not self.is_in_head:
                refusal.method = self._parser.get_method()
            refusal.target = refusal.target or self._target
            self.is_in_head = False
            self._receiver.refused(refusal)

    def check_head(self, now_s: float) -> None:
        """Refuse a head that does not come to its end; called by the sweep while one is read."""
        if now_s - self.head_since_s > _HEAD_PATIENCE_S:
            self.refuse(BadRequest(408, "Request Timeout", "The request did not arrive in time."))

    def _parse(self, data: bytes | memoryview) -> int:
        """Feed the parser; return how many bytes it was not given, for they must wait."""
        left_bytes = 0
        self._unframed_bytes += len(data)
        self.ahead_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            left_bytes = self._parse_behind(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            self._refuse_for(error)
        if self._unframed_bytes > MAX_HEAD_BYTES + _SLICE_BYTES:
            self.refuse(too_large_head())
        return left_bytes

    def _refuse_for(self, error: httptools.HttpParserError) -> None:
        if isinstance(error, httptools.HttpParserCallbackError):
            _log.error(Event.REQUEST_FAILED.value, exc_info=error)
            self.refuse(BadRequest(500, "Internal Server Error", "The gateway failed."))
        else:
            self.refuse(_refusal_of(error))

    def _parse_behind(self, data: bytes | memoryview) -> int:
        """Read on behind an offer to switch protocols, unless it is passed on: then wait."""
        while not self.is_deaf and not self.is_waiting:
            try:
                self._replace_parser()
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                data = data[upgrade.args[0] :]
            except httptools.HttpParserError as error:
                self._refuse_for(error)
            else:
                return 0
        return len(data) if self.is_waiting else 0

    def _replace_parser(self) -> None:
        """Go on behind the head of a request that offered to switch protocols.

        The old parser took its body for the other protocol; a new one is told of the body. Such a
        request is the last on its connection.
        """
        inbound = self._inbound
        if inbound is None:
            self._parser = httptools.HttpRequestParser(self)
            return
        inbound.keep_alive = False
        self._parser = httptools.HttpRequestParser(_BodyAlone(self))
        if inbound.body is Body.CHUNKED:
            framing = b"Transfer-Encoding: chunked"
        else:
            framing = b"Content-Length: %d" % inbound.length
        self._parser.feed_data(b"POST / HTTP/1.1\r\n%b\r\n\r\n" % framing)
        self._fields.clear()

    # httptools callbacks

    def on_message_begin(self) -> None:
        """Start a head."""
        self.is_in_head, self.is_between = True, False
        self.head_since_s = self._gateway.now_s

    def on_url(self, part: bytes) -> None:
        """Take (a part of) the target."""
        self._target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field line, of the head or of the trailers behind the body."""
        self._fields.append((name, value))

    def on_headers_complete(self) -> None:
        """Read the head."""
        self.is_in_head = False
        if self.is_deaf:
            return
        parser, target, fields = self._parser, self._target, self._fields
        self._target, self._fields = b"", []
        try:
            if self._unframed_bytes > MAX_HEAD_BYTES - _SLICE_BYTES:
                _measure_head(target, fields)
            inbound = self._read_request(parser, target, fields)
        except BadRequest as refusal:
            refusal.target = target
            self.refuse(refusal)
            return
        self._unframed_bytes = 0
        self._inbound = inbound
        self._body_left = inbound.length
        self._receiver.request_read(inbound)

    def _read_request(
        self, parser: httptools.HttpRequestParser, target: bytes, fields: list[Header]
    ) -> Inbound:
        names, keeps_alive = self._gateway.names, parser.should_keep_alive()
        if keeps_alive:
            # Without a word about it only HTTP/1.1 keeps a connection: no need to ask for a text.
            try:
                inbound = read_request(parser.get_method(), target, "1.1", fields, names)
                if not inbound.has_hop:
                    return inbound
            except BadRequest:
                # Perhaps for the version's sake: the reading below says.
                pass
        version = parser.get_http_version()
        inbound = read_request(parser.get_method(), target, version, fields, names)
        # The parser obeys Proxy-Connection, too, and reads nothing behind such a request.
        inbound.keep_alive = inbound.keep_alive and keeps_alive
        return inbound

    def on_body(self, data: bytes) -> None:
        """Take a piece of the body."""
        self._unframed_bytes = 0
        if self._body_left:
            self._body_left -= len(data)
        if not self.is_deaf:
            self._receiver.body_read(data)

    def on_message_complete(self) -> None:
        """Note that a request is complete; after one that says so, no other follows."""
        # What follows in this slice belongs to the next head, and is not counted there.
        self._unframed_bytes = 0
        inbound = self._inbound
        if inbound is None or self.is_deaf:
            return
        if inbound.body is not _NONE and inbound.has_body and self._parser.should_upgrade():
            return
        self._inbound, self.is_between = None, True
        trailers: Sequence[Header] = ()
        if self._fields:
            trailers, self._fields = self._fields, []
            if len(trailers) > MAX_FIELDS:
                self.refuse(too_large_head())
                return
        if inbound.upgrade is not None:
            self.is_waiting = True
        self._receiver.request_ended(trailers)
        if not inbound.keep_alive and not self.is_waiting:
            self.stop()


class _BodyAlone:
    """Callbacks of a parser that is to see one body and its trailers and nothing else."""

    def __init__(self, reader: RequestReader) -> None:
        self.on_header = reader.on_header
        self.on_body = reader.on_body
        self.on_message_complete = reader.on_message_complete


def _measure_head(target: bytes, fields: Sequence[Header]) -> None:
    """Tell a long head from a short one that came behind other bytes."""
    fields_bytes = sum(len(name) + len(value) + 4 for name, value in fields)
    if len(target) + fields_bytes > MAX_HEAD_BYTES:
        raise too_large_head()


def _refusal_of(error: httptools.HttpParserError) -> BadRequest:
    # The parser has one class of error for both: an unknown method, and a space misplaced.
    reason = str(error)
    if reason == "Invalid method encountered":
        return BadRequest(501, "Not Implemented", "This method is not supported.")
    if reason == "Invalid HTTP version":
        detail = "Only HTTP/1.0 and 1.1 are spoken here."
        return BadRequest(505, "HTTP Version Not Supported", detail)
    detail = "The request is not well-formed HTTP/1.1."
    return BadRequest(400, "Bad Request", detail, told=f"{detail} ({reason})")
