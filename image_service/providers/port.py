"""What the service asks of whoever paints."""

from __future__ import annotations

from typing import Protocol

from image_service.contract import Order


class Provider(Protocol):
    """Paints pictures; one picture costs one call, and only the caller may repeat it."""

    @property
    def name(self) -> str:
        """Who painted, for the record: ``procedural`` or ``openai/<model>``."""

    async def paint(self, order: Order) -> bytes:
        """Return an encoded picture, in any usual format and not yet checked.

        Raises:
            PictureError: One of its kinds says why there is none.
        """

    async def close(self) -> None:
        """Let go of connections."""
