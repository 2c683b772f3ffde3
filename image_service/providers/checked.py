"""The one door through which pictures come in: none passes undecoded."""

from __future__ import annotations

import dataclasses
import logging

from anyio import CapacityLimiter, to_thread

from image_service.contract import Order
from image_service.errors import BadPictureError
from image_service.pictures import normalised, verify
from image_service.providers.hands import cores
from image_service.providers.port import Call, Painted, Partial, Provider, Rest, rest_of

_LOG = logging.getLogger("image_service.providers.checked")


class CheckedProvider:
    """Decodes what another provider sends, and brings it into the one form that is kept.

    A partial picture that cannot be decoded is left out: the final one decides about the order.
    """

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        # Each takes a core; one is left to the event loop, which everybody waits for.
        self._hands = CapacityLimiter(max(cores() - 1, 1))

    @property
    def name(self) -> str:
        """The name of the provider behind."""
        return self._provider.name

    @property
    def rest(self) -> Rest | None:
        """How the provider behind is left alone."""
        return rest_of(self._provider)

    async def paint(self, order: Order, *, call: Call) -> Painted:
        """Return PNG, RGB, exactly as ordered, with the original beside it where it differs.

        Raises:
            PictureError: That of the provider; or BadPictureError, with ``bought``.
        """
        painted = await self._provider.paint(order, call=self._checking(call))
        try:
            content = await to_thread.run_sync(
                normalised, painted.content, order.size, limiter=self._hands
            )
        except BadPictureError as error:
            error.outcome = "bought"
            error.usage = painted.usage
            error.provider = painted.provider
            raise
        if content is painted.content:
            return painted
        return dataclasses.replace(painted, content=content, original=painted.content)

    async def close(self) -> None:
        """Close the provider behind."""
        await self._provider.close()

    def _checking(self, call: Call) -> Call:
        deliver = call.on_partial
        if deliver is None:
            return call

        async def check(partial: Partial) -> None:
            try:
                await to_thread.run_sync(verify, partial.content, limiter=self._hands)
            except BadPictureError as error:
                _LOG.warning("partial_refused index=%d reason=%r", partial.index, error.reason)
                return
            try:
                await deliver(partial)
            except Exception:  # noqa: BLE001 - whoever watches must not lose a picture that is paid for
                _LOG.exception("partial_not_delivered index=%d", partial.index)

        return dataclasses.replace(call, on_partial=check)
