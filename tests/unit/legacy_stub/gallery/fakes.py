"""A gallery in memory, and a database of the test's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from legacy_stub.gallery.port import GalleryError, ImageRecord
from legacy_stub.orders import Order, OrderError


@dataclass(slots=True, kw_only=True)
class MemoryGallery:
    """Draws the words of the order; a ``Gallery``.

    Attributes:
        next_id: Of the next image.
        paint: What it draws.
        fault: What every call raises; None for nothing.
    """

    next_id: int = 1
    paint: Callable[[Order], bytes] = field(default=lambda order: order.prompt.encode())
    fault: GalleryError | OrderError | None = None
    images: dict[int, ImageRecord] = field(default_factory=dict)
    files: dict[int, bytes] = field(default_factory=dict)

    def order(self, order: Order) -> ImageRecord | None:
        """Draw at once."""
        self._fail()
        image = ImageRecord(image_id=self.next_id, order=order, status="pronta")
        self.images[image.image_id] = image
        self.files[image.image_id] = self.paint(order)
        self.next_id += 1
        return image

    def all(self) -> list[ImageRecord]:
        """List them."""
        self._fail()
        return list(self.images.values())

    def one(self, image_id: int) -> ImageRecord | None:
        """Find one."""
        self._fail()
        return self.images.get(image_id)

    def file(self, image_id: int) -> bytes | None:
        """Find a picture."""
        self._fail()
        return self.files.get(image_id)

    def delete(self, image_id: int) -> bool:
        """Delete one."""
        self._fail()
        self.files.pop(image_id, None)
        return self.images.pop(image_id, None) is not None

    def _fail(self) -> None:
        if self.fault is not None:
            raise self.fault
