"""The gallery that everybody in the monolith uses: it passes each call to whoever is to do it."""

from __future__ import annotations

from collections.abc import Callable

from legacy_stub.gallery.mode import Mode
from legacy_stub.gallery.port import Gallery, GalleryError, ImageRecord
from legacy_stub.orders import Order

FIRST_REMOTE_ID = 1_000_000_001
"""Of the image service's block of ids; those below were given by the monolith."""

Compare = Callable[[Order, ImageRecord | None], None]


class ChosenGallery:
    """A ``Gallery`` by the mode that holds at the moment of each call.

    Orders follow the mode. Images that exist stay where they were made: with ``remote`` their ids
    say which side that is, otherwise the monolith knows its own alone.

    Args:
        local: The monolith.
        remote: The image service.
        mode: Says what holds now.
        compare: Takes note of an order that the image service is to be tried out with, and of the
            monolith's image, None when it failed; never waits and never fails.
    """

    def __init__(
        self, *, local: Gallery, remote: Gallery, mode: Callable[[], Mode], compare: Compare
    ) -> None:
        self._local = local
        self._remote = remote
        self._mode = mode
        self._compare = compare

    def order(self, order: Order) -> ImageRecord | None:
        """Order from whom the mode names; with ``both`` the monolith's answer counts."""
        match self._mode():
            case Mode.LOCAL:
                return self._local.order(order)
            case Mode.REMOTE:
                return self._ordered_there(order)
            case Mode.BOTH:
                return self._verified(order)

    def all(self) -> list[ImageRecord]:
        """List both sides' images with ``remote``: all or none, never half a list."""
        if self._mode() is not Mode.REMOTE:
            return self._local.all()
        remote = [image for image in self._remote.all() if image.image_id >= FIRST_REMOTE_ID]
        local = [image for image in self._local.all() if image.image_id < FIRST_REMOTE_ID]
        return sorted([*local, *remote], key=lambda image: image.image_id)

    def one(self, image_id: int) -> ImageRecord | None:
        """Ask the image's side."""
        return self._side_of(image_id).one(image_id)

    def file(self, image_id: int) -> bytes | None:
        """Ask the image's side."""
        return self._side_of(image_id).file(image_id)

    def delete(self, image_id: int) -> bool:
        """Delete on the image's side."""
        return self._side_of(image_id).delete(image_id)

    def _side_of(self, image_id: int) -> Gallery:
        is_remote = image_id >= FIRST_REMOTE_ID and self._mode() is Mode.REMOTE
        return self._remote if is_remote else self._local

    def _ordered_there(self, order: Order) -> ImageRecord | None:
        image = self._remote.order(order)
        if image is not None and image.image_id < FIRST_REMOTE_ID:
            # under that id the customer would find another's picture, or one to come
            raise GalleryError(f"image service: gave id {image.image_id}, one of the monolith's")
        return image

    def _verified(self, order: Order) -> ImageRecord | None:
        try:
            image = self._local.order(order)
        except GalleryError:
            self._compare(order, None)
            raise
        if image is not None:  # one deleted while it was drawn has nothing to be compared with
            self._compare(order, image)
        return image
