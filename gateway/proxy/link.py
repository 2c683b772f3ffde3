"""What stands between an exchange and a connection, is either to the other, and passes all on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.proxy.exchange import Exchange
    from gateway.proxy.pool import Pool
    from gateway.proxy.ports import Connection
    from gateway.routing.snapshot import Backend


class Link:
    """One exchange's way to one pool. What comes back is the subclass's business."""

    __slots__ = ("_caller", "_connection", "_source")

    def __init__(self, source: Pool) -> None:
        self._source = source
        self._caller: Exchange | None = None
        self._connection: Connection | None = None

    # Lender

    @property
    def backend(self) -> Backend:
        """Who is asked."""
        return self._source.backend

    @property
    def is_crowded(self) -> bool:
        """As the pool's."""
        return self._source.is_crowded

    @property
    def is_wanted(self) -> bool:
        """As the pool's."""
        return self._source.is_wanted

    def begin_upload(self) -> bool:
        """As the pool's."""
        return self._source.begin_upload()

    def end_upload(self) -> None:
        """As the pool's."""
        self._source.end_upload()

    def blame(self, connection: Connection | None) -> None:
        """Tell the pool, which knows another connection."""
        del connection
        self._source.blame(self._connection)

    # Connection

    @property
    def address(self) -> str:
        """Where it leads."""
        return self._connection.address if self._connection is not None else ""

    @property
    def is_reused(self) -> bool:
        """Whether it has served before."""
        return self._connection is not None and self._connection.is_reused

    @property
    def has_answered(self) -> bool:
        """Whether any byte has come back."""
        return self._connection is not None and self._connection.has_answered

    def send_whole(self, request: bytes) -> None:
        """Send a request that is complete."""
        if self._connection is not None:
            self._connection.send_whole(request)

    def send(self, pieces: Sequence[bytes]) -> None:
        """Send bytes of the request."""
        if self._connection is not None:
            self._connection.send(pieces)

    def sent_all(self) -> None:
        """Note that the request is complete."""
        if self._connection is not None:
            self._connection.sent_all()

    def hold_answer(self) -> None:
        """Stop reading."""
        if self._connection is not None:
            self._connection.hold_answer()

    # Caller

    @property
    def method(self) -> bytes:
        """Of the request."""
        return self._caller.method if self._caller is not None else b""

    @property
    def upgrade(self) -> bytes | None:
        """Protocols that the request offers to go on in; None if it offers none."""
        return self._caller.upgrade if self._caller is not None else None

    def upload_blocked(self) -> None:
        """Pass it on."""
        if self._caller is not None:
            self._caller.upload_blocked()

    def upload_free(self) -> None:
        """Pass it on."""
        if self._caller is not None:
            self._caller.upload_free()
