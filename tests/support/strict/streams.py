"""Reads one direction of a connection, piece by piece, and refuses what no sender may send."""

from __future__ import annotations

from collections.abc import Callable, Generator

from tests.support.strict.grammar import (
    NO_LIBERTIES,
    Field,
    Liberties,
    Liberty,
    ViolationError,
    read_chunk_line,
    read_field,
    read_request_line,
    read_status_line,
)
from tests.support.strict.messages import (
    SWITCHING_PROTOCOLS,
    Answer,
    Framing,
    Message,
    Request,
    check_trailer,
    settle_answer,
    settle_request,
)

_SHOWN_BYTES = 16
_KEPT_BYTES = 64 * 1024
"""Of each body; the suites send hundreds of megabytes."""
_Reading = Generator[None, None, None]


class _Stream:
    """Bytes as they come; a generator reads them, straight down the page."""

    def __init__(self, liberties: Liberties) -> None:
        self.liberties = liberties
        self.is_at_rest = True
        """Whether nothing has begun that is not complete."""
        self.is_raw = False
        """Whether the connection has switched to another protocol; the rest is not read."""
        self.has_ended = False
        self.violation: ViolationError | None = None
        self._buffer = bytearray()
        self._scanned_bytes = 0
        self._reading = self._messages()
        next(self._reading)

    def feed(self, data: bytes) -> None:
        """Read a piece.

        Raises:
            ViolationError: No sender may send this; again for all that follows.
        """
        if self.is_raw:
            return
        if data and self.violation is None:
            self._buffer += data
            try:
                next(self._reading)
            except ViolationError as violation:
                self.violation = violation
        if self.violation is not None:
            raise self.violation

    def end(self) -> None:
        """Note an orderly end."""
        self.has_ended = True
        if self.violation is None and not self.is_raw:
            next(self._reading, None)

    def _messages(self) -> _Reading:
        raise NotImplementedError

    def _line(self) -> Generator[None, None, bytes]:
        """The next line, without its CRLF; neither may stand alone (RFC 9112, section 2.2)."""
        while (end := self._buffer.find(b"\n", self._scanned_bytes)) < 0:
            self._scanned_bytes = len(self._buffer)
            self._check_carriage_returns(self._buffer[:-1])
            yield
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        self._scanned_bytes = 0
        if not line.endswith(b"\r"):
            raise ViolationError("a bare LF", line + b"\n")
        self._check_carriage_returns(line[:-1])
        return line[:-1]

    def _check_carriage_returns(self, part: bytes | bytearray) -> None:
        if b"\r" in part:
            raise ViolationError("a bare CR", bytes(part))

    def _skip_line_ends(self, granted_by: Liberty = Liberty.STRAY_LINE_ENDS) -> bool:
        """Drop what stands before a start line, if that is granted; whether more has come."""
        if granted_by in self.liberties:
            del self._buffer[: len(self._buffer) - len(self._buffer.lstrip(b"\r\n"))]
        return bool(self._buffer)

    def _fields(self) -> Generator[None, None, list[Field]]:
        fields = []
        while line := (yield from self._line()):
            fields.append(read_field(line, self.liberties))
        return fields

    def _body(self, message: Message) -> _Reading:
        if message.framing is Framing.LENGTH:
            yield from self._take(message, message.length)
        elif message.framing is Framing.CHUNKED:
            yield from self._chunks(message)
        elif message.framing is Framing.CLOSE:
            while not self.has_ended:
                self._keep(message, len(self._buffer))
                yield
        message.is_complete = True

    def _chunks(self, message: Message) -> _Reading:
        while size := read_chunk_line((yield from self._line()), self.liberties):
            yield from self._take(message, size)
            if behind := (yield from self._line()):
                raise ViolationError("chunk data beyond its size", behind)
        message.trailers = yield from self._fields()
        if Liberty.ANY_TRAILER not in self.liberties:
            for trailer in message.trailers:
                check_trailer(trailer)

    def _take(self, message: Message, size: int) -> _Reading:
        while size > 0:
            taken = min(size, len(self._buffer))
            self._keep(message, taken)
            size -= taken
            if size:
                yield

    def _keep(self, message: Message, size: int) -> None:
        message.body += self._buffer[: max(0, min(size, _KEPT_BYTES - len(message.body)))]
        message.body_bytes += size
        del self._buffer[:size]


class RequestStream(_Stream):
    """A client's half of a connection."""

    def __init__(self, liberties: Liberties = NO_LIBERTIES) -> None:
        self.requests: list[Request] = []
        """In order; the last one's body may still be on its way."""
        self.begins = b""
        """How the last one begins, which may be unreadable: what has come of it at once."""
        super().__init__(liberties)

    def _messages(self) -> _Reading:
        is_last = False
        while True:
            self.is_at_rest = True
            while not self._buffer:
                yield
            if is_last:
                raise ViolationError("bytes behind the last request", bytes(self._buffer))
            self.is_at_rest = False
            while not self._skip_line_ends():
                yield
            self.begins = bytes(self._buffer[:_SHOWN_BYTES])
            request = yield from self._head()
            self.requests.append(request)
            is_last = request.is_last
            yield from self._body(request)

    def _head(self) -> Generator[None, None, Request]:
        line = yield from self._line()
        while not line:
            # Empty lines before a request are to be ignored (RFC 9112, section 2.2).
            line = yield from self._line()
        method, target, version = read_request_line(line, self.liberties)
        fields = yield from self._fields()
        request = Request(version=version, fields=fields, method=method, target=target)
        settle_request(request, self.liberties)
        return request


class AnswerStream(_Stream):
    """A server's half of a connection."""

    def __init__(
        self, asked: Callable[[int], Request | None], liberties: Liberties = NO_LIBERTIES
    ) -> None:
        """Read answers.

        Args:
            asked: Gives the request that the n-th final answer belongs to, n from 0, once it is
                needed; None if there was none.
            liberties: What is taken though no sender may send it.
        """
        self.answers: list[Answer] = []
        """Final ones, in order; the last one's body may still be on its way."""
        self.interim: list[Answer] = []
        """1xx, in order."""
        self._asked = asked
        super().__init__(liberties)

    def _messages(self) -> _Reading:
        is_last = False
        liberty = Liberty.STRAY_LINE_ENDS
        while not self.is_raw:
            self.is_at_rest = True
            while not self._buffer:
                yield
            if is_last:
                raise ViolationError("bytes behind the last answer", bytes(self._buffer))
            self.is_at_rest = False
            while not self._skip_line_ends(liberty):
                yield
            answer = yield from self._head()
            if answer.is_interim:
                self.interim.append(answer)
                liberty = Liberty.LINE_ENDS_BEHIND_INTERIM
                continue
            liberty = Liberty.STRAY_LINE_ENDS
            self.answers.append(answer)
            is_last = answer.is_last
            yield from self._body(answer)
            self.is_raw = answer.status == SWITCHING_PROTOCOLS
        self.is_at_rest = True
        yield

    def _head(self) -> Generator[None, None, Answer]:
        asked = self._asked(len(self.answers))
        if asked is None:
            raise ViolationError("an answer that nobody asked for", bytes(self._buffer))
        line = yield from self._line()
        version, status, reason = read_status_line(line, self.liberties)
        fields = yield from self._fields()
        answer = Answer(version=version, fields=fields, status=status, reason=reason)
        settle_answer(answer, asked, self.liberties)
        return answer
