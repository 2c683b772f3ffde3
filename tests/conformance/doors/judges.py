"""Whoever reads from the gateway judges every byte: no case can forget to look."""

from __future__ import annotations

from typing import Protocol

from tests.support.strict.grammar import Liberty, ViolationError
from tests.support.strict.messages import Answer, Request
from tests.support.strict.streams import AnswerStream, RequestStream

_FORWARDED = frozenset({Liberty.VISIBLE_TARGET})
"""What crosses the gateway as it came, though no client may send it."""
_ASKED = _FORWARDED | {
    Liberty.ANY_EXTENSION,
    Liberty.ANY_TRAILER,
    Liberty.MANY_SPACES,
    Liberty.UNNAMED_HOP_FIELDS,
}
"""What customers may say in vain, or leniently is read."""
_MAX_LINES = 100_000
"""Of what a customer asks, read along with; floods that test memory are millions."""
_UNREADABLE = Request(version="1.1", method=b"", target=b"")
"""Stands for what the customer sent and nobody can read: its answer is an ordinary one."""
_UNREADABLE_HEAD = Request(version="1.1", method=b"HEAD", target=b"")
"""Of that, too, so much was readable that its answer has no body."""


class Judge(Protocol):
    """Sees both directions of one connection, from the gateway's other end."""

    def sent(self, data: bytes) -> None:
        """Note what the test sends to the gateway."""

    def received(self, data: bytes) -> None:
        """Judge what the gateway has sent.

        Raises:
            ViolationError: It may not be sent.
        """

    def ended(self, *, was_reset: bool) -> None:
        """Judge how the gateway has ended the connection.

        Raises:
            ViolationError: Thus it may not end.
        """


class CustomerJudge:
    """Judges the answers that a customer gets."""

    def __init__(self) -> None:
        self._requests = RequestStream(_ASKED)
        self._answers = AnswerStream(self._asked)
        self._lines = 0

    @property
    def answers(self) -> list[Answer]:
        """The final answers so far, in order."""
        return self._answers.answers

    @property
    def is_at_rest(self) -> bool:
        """Whether no answer has begun that is not complete."""
        return self._answers.is_at_rest

    def sent(self, data: bytes) -> None:
        """Note what was asked, as far as it can be read."""
        if self._answers.is_raw:
            # In another protocol there is nothing to read along with, nor to keep.
            return
        self._lines += data.count(b"\n")
        if self._requests.violation is None and self._lines < _MAX_LINES:
            try:
                self._requests.feed(data)
            except ViolationError:
                # What the gateway makes of it is what most tests are about.
                return

    def received(self, data: bytes) -> None:
        """Judge answers."""
        self._answers.feed(data)

    def ended(self, *, was_reset: bool) -> None:
        """Refuse an orderly end within an answer: some readers would take it for complete."""
        if was_reset:
            return
        self._answers.end()
        if not self._answers.is_at_rest:
            raise ViolationError("an orderly end within an answer")

    def _asked(self, number: int) -> Request | None:
        requests = self._requests.requests
        if number < len(requests):
            return requests[number]
        if self._lines >= _MAX_LINES:
            return _UNREADABLE
        # A head that never ends, or that nobody can read, gets an answer as well: the last one.
        has_begun = self._requests.violation is not None or not self._requests.is_at_rest
        is_next = number == len(requests) and (not requests or requests[-1].is_complete)
        if not (has_begun and is_next):
            return None
        return _UNREADABLE_HEAD if self._requests.begins.startswith(b"HEAD ") else _UNREADABLE


class PatientJudge(CustomerJudge):
    """Judges answers to what nobody may send, at servers that go on reading behind it."""

    def _asked(self, number: int) -> Request | None:
        return super()._asked(number) or _UNREADABLE


class BackendJudge:
    """Judges the requests that a backend gets."""

    def __init__(self) -> None:
        self._stream = RequestStream(_FORWARDED)
        self._answered = 0
        """Requests behind which any byte of an answer has been sent."""

    @property
    def requests(self) -> list[Request]:
        """The requests so far, in order."""
        return self._stream.requests

    @property
    def is_at_rest(self) -> bool:
        """Whether no request has begun that is not complete."""
        return self._stream.is_at_rest

    def sent(self, data: bytes) -> None:
        """Note that the last request is being answered."""
        if not self.requests:
            return
        self._answered = len(self.requests)
        if self.requests[-1].offers_upgrade() and data.startswith(b"HTTP/1.1 101 "):
            self._stream.is_raw = True

    def received(self, data: bytes) -> None:
        """Judge requests: HTTP/1.1, and none before the answer to the one before."""
        before = len(self.requests)
        self._stream.feed(data)
        for request in self.requests[before:]:
            if request.version != "1.1":
                raise ViolationError(f"a request in HTTP/{request.version}")
        if len(self.requests) > self._answered + 1:
            raise ViolationError("a request behind one that has no answer")

    def ended(self, *, was_reset: bool) -> None:
        """Take any end: a request without its end never looks complete."""
