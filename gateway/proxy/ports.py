"""The two sides of an exchange, as the exchange sees them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from gateway.errors import UpstreamError
from gateway.proxy.tunnel import Tunnel
from gateway.wire.messages import Header, Piece
from gateway.wire.response import Outbound

if TYPE_CHECKING:
    from gateway.proxy.exchange import Exchange
    from gateway.routing.snapshot import Backend


class Door(Protocol):
    """Where a request came in; takes the answer.

    Calls come in this order: any number of `interim`; then one `head`, `body` and `flush` in turn,
    and `over`, or `over` with all of it; or one `problem` and `over`; or one `switch`; or `abort`
    at any time. After `over`, `switch` or `abort` nothing follows.
    """

    def interim(self, status: int, reason: bytes, headers: Sequence[Header]) -> None:
        """Pass on a 1xx answer."""

    def head(self, outbound: Outbound) -> None:
        """Begin the answer."""

    def body(self, pieces: Sequence[Piece]) -> None:
        """Pass on pieces of the answer's body, none of them empty."""

    def flush(self) -> None:
        """Let go of what was passed: nothing more is at hand just now."""

    def problem(self, status: int, title: str, parts: tuple[list[Header], bytes]) -> None:
        """Answer with the gateway's own words, fields and body; no `head` has been passed."""

    def over(
        self,
        outbound: Outbound | None = None,
        pieces: Sequence[Piece] = (),
        trailers: Sequence[Header] = (),
    ) -> None:
        """The answer is complete.

        Args:
            outbound: Its head, unless it was passed before.
            pieces: The last pieces of its body.
            trailers: Fields to pass on behind it.
        """

    def switch(self, outbound: Outbound, tunnel: Tunnel) -> None:
        """Pass on a 101 answer, and join the customer's connection to `tunnel`."""

    def abort(self) -> None:
        """The answer cannot be completed, and must not look as if it were."""

    def hold_upload(self) -> None:
        """Stop reading the request's body: the backend is slower than the customer."""

    def release_upload(self) -> None:
        """Read on."""


class Caller(Protocol):
    """Who uses a connection to a backend; the exchange of a request."""

    @property
    def method(self) -> bytes:
        """The request's."""

    @property
    def upgrade(self) -> bytes | None:
        """Protocols that the request offers to go on in; None if it offers none."""

    def connected(self, connection: Connection) -> None:
        """Here is a connection; the request may be sent."""

    def failed(self, error: UpstreamError) -> None:
        """No answer, or no more of it, will come. The connection is gone."""

    def answer_interim(self, status: int, reason: bytes, headers: Sequence[Header]) -> None:
        """A 1xx head has come."""

    def answer(self, outbound: Outbound | None, pieces: Sequence[Piece]) -> None:
        """What one read has brought: the head, unless it has come before, and pieces of body."""

    def answer_flush(self) -> None:
        """More of the answer is to come, but not yet."""

    def answer_end(
        self, outbound: Outbound | None, pieces: Sequence[Piece], trailers: Sequence[Header]
    ) -> None:
        """As `answer`, and it is complete. The connection is back in its pool or gone."""

    def answer_switch(self, outbound: Outbound, tunnel: Tunnel) -> None:
        """The backend goes on in another protocol; its end of `tunnel` is joined already."""

    def upload_blocked(self) -> None:
        """The backend reads more slowly than the request is sent."""

    def upload_free(self) -> None:
        """The backend takes more."""


class Connection(Protocol):
    """A connection to a backend, lent to one caller."""

    @property
    def address(self) -> str:
        """Where it leads, as in a URL."""

    @property
    def is_reused(self) -> bool:
        """Whether it has served before."""

    @property
    def has_answered(self) -> bool:
        """Whether any byte has come back for this caller."""

    def send_whole(self, request: bytes) -> None:
        """Send a request that is complete."""

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


class Lender(Protocol):
    """Who lends connections to exchanges: a pool, or what stands before one."""

    @property
    def backend(self) -> Backend:
        """Whose connections they are."""

    @property
    def is_crowded(self) -> bool:
        """Whether as many requests are being sent as they come in as may be."""

    @property
    def is_wanted(self) -> bool:
        """Whether a caller waits for a connection."""

    def acquire(self, caller: Exchange, *, fresh: bool = False) -> None:
        """Get `caller` a connection; it hears `connected` or `failed`, perhaps at once."""

    def cancel(self, caller: Exchange) -> None:
        """Forget a caller that waits."""

    def begin_upload(self) -> bool:
        """Whether a request may have a connection though its body is still to come."""

    def end_upload(self) -> None:
        """Note that such a body is complete, or given up."""

    def blame(self, connection: Connection | None) -> None:
        """Note that a request on `connection` was not answered in time."""
