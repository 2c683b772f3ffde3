"""The two sides of an exchange, as the exchange sees them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gateway.errors import UpstreamError
from gateway.wire.messages import Header
from gateway.wire.response import Outbound


class Door(Protocol):
    """Where a request came in; takes the answer.

    Calls come in this order: any number of `interim`, one `head`, `body` and `flush` in turn, one
    `over`; or one `problem` and `over`; or `abort` at any time. After `over` or `abort` nothing
    follows.
    """

    def interim(self, status: int, reason: bytes, headers: Sequence[Header]) -> None:
        """Pass on a 1xx answer."""

    def head(self, outbound: Outbound) -> None:
        """Begin the answer."""

    def body(self, data: bytes) -> None:
        """Pass on a piece of the answer's body."""

    def flush(self) -> None:
        """Let go of what was passed: nothing more is at hand just now."""

    def problem(self, status: int, title: str, detail: str) -> None:
        """Answer with the gateway's own words; no `head` has been passed."""

    def over(self) -> None:
        """The answer is complete."""

    def abort(self) -> None:
        """The answer cannot be completed, and must not look as if it were."""

    def hold_upload(self) -> None:
        """Stop reading the request's body: the backend is slower than the customer."""

    def release_upload(self) -> None:
        """Read on."""


class Caller(Protocol):
    """Who uses a connection to a backend; the exchange of a request."""

    method: bytes

    def connected(self, connection: Connection) -> None:
        """Here is a connection; the request may be sent."""

    def failed(self, error: UpstreamError) -> None:
        """No answer, or no more of it, will come. The connection is gone."""

    def answer_interim(self, status: int, reason: bytes, headers: Sequence[Header]) -> None:
        """A 1xx head has come."""

    def answer_head(self, outbound: Outbound) -> None:
        """The answer's head has come."""

    def answer_body(self, data: bytes) -> None:
        """A piece of the answer's body has come."""

    def answer_flush(self) -> None:
        """Everything from one read has been handed over."""

    def answer_end(self) -> None:
        """The answer is complete. The connection is back in its pool or gone."""

    def upload_blocked(self) -> None:
        """The backend reads more slowly than the request is sent."""

    def upload_free(self) -> None:
        """The backend takes more."""


class Connection(Protocol):
    """A connection to a backend, lent to one caller."""

    is_reused: bool
    """Whether it has served before."""
    has_answered: bool
    """Whether any byte has come back for this caller."""

    def send(self, pieces: Sequence[bytes]) -> None:
        """Send bytes of the request."""

    def sent_all(self) -> None:
        """The request is complete; only then can the connection serve again."""

    def abandon(self) -> None:
        """Give the connection up: it is cut, and the caller hears no more of it."""

    def hold_answer(self) -> None:
        """Stop reading: the customer is slower than the backend."""

    def release_answer(self) -> None:
        """Read on."""
