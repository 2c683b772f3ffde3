"""A customer's HTTP/1.1 connection, with h11 as a parser that is not the gateway's own.

Every byte of the answers is judged by the strict reader as well.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import h11

from tests.support.strict.messages import Request
from tests.support.strict.streams import AnswerStream, RequestStream

PATIENCE_S = 20.0
"""For one answer; far more than anything here takes."""
_READ_BYTES = 64 * 1024

Headers = Sequence[tuple[str, str]]


class CutError(Exception):
    """The connection ended before its answer was complete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A complete answer."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Connection:
    """One connection to a port of 127.0.0.1, used for one request after the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.CLIENT)
        self._asked = RequestStream()
        self._judge = AnswerStream(self._request)

    @classmethod
    async def open(cls, port: int) -> Connection:
        """Connect.

        Raises:
            ConnectionRefusedError: Nobody listens.
        """
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def ask(
        self, method: str, target: str, headers: Headers = (), body: object = None
    ) -> Answer:
        """Send a request and read its answer.

        Args:
            method: The method.
            target: The target as it goes on the wire.
            headers: Beside Host and what the body needs.
            body: Sent as JSON; None sends none.

        Raises:
            CutError: The connection was cut before the answer was complete.
            h11.RemoteProtocolError: What came is no HTTP/1.1.
            ViolationError: What came may not be sent.
        """
        content = b"" if body is None else json.dumps(body).encode()
        fields = [("Host", "shop.test"), *headers]
        if body is not None:
            fields += [("Content-Type", "application/json"), ("Content-Length", str(len(content)))]
        request = h11.Request(method=method, target=target, headers=fields)
        async with asyncio.timeout(PATIENCE_S):
            self._send(request)
            if content:
                self._send(h11.Data(data=content))
            self._send(h11.EndOfMessage())
            return await self._answer()

    @property
    def is_usable(self) -> bool:
        """Whether both sides keep the connection for another request."""
        return self._http.our_state is h11.IDLE and self._http.their_state is h11.IDLE

    def close(self) -> None:
        """Close it."""
        self._writer.close()

    def _send(self, event: h11.Event) -> None:
        data = self._http.send(event)
        if data:
            self._asked.feed(data)
            self._writer.write(data)

    def _request(self, number: int) -> Request | None:
        requests = self._asked.requests
        return requests[number] if number < len(requests) else None

    async def _answer(self) -> Answer:
        head: h11.Response | None = None
        body = b""
        while True:
            event = await self._next()
            if isinstance(event, h11.Response):
                head = event
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage) and head is not None:
                break
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        headers = {name.decode(): value.decode("latin-1") for name, value in head.headers}
        return Answer(status=head.status_code, headers=headers, body=body)

    async def _next(self) -> h11.Event:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            try:
                data = await self._reader.read(_READ_BYTES)
            except ConnectionError as error:
                raise CutError(str(error)) from error
            if not data:
                raise CutError("closed")
            self._judge.feed(data)
            self._http.receive_data(data)
        assert isinstance(event, h11.Event), event
        return event
