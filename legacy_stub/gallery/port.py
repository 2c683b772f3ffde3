"""What the monolith asks of whoever draws and keeps its pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from legacy_stub.orders import Order

MISSING = "Imagem não encontrada"
"""What both sides tell a customer whose image does not exist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRecord:
    """An image as its customers see it.

    Attributes:
        image_id: Below ``FIRST_REMOTE_ID`` it was made here.
        status: ``pendente`` until the picture is there, ``pronta`` from then on; ``falhou`` on the
            image service when it never will be.
    """

    image_id: int
    order: Order
    status: str

    def as_json(self) -> dict[str, object]:
        """Return the record of the contract."""
        return {
            "id": self.image_id,
            "product_id": self.order.product_id,
            "prompt": self.order.prompt,
            "size": self.order.size,
            "status": self.status,
            "url": f"/images/{self.image_id}/file",
        }


class GalleryError(Exception):
    """An image could not be had; the customer gets the page of a fault, status 500.

    Attributes:
        reason: What happened, for the log: no secret and nothing that a customer wrote.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Gallery(Protocol):
    """Draws and keeps images. Every call blocks its thread until it is done.

    Each of them raises GalleryError when it cannot be done.
    """

    def order(self, order: Order) -> ImageRecord | None:
        """Draw a picture and return its record; None when it was deleted meanwhile.

        Raises:
            OrderError: The order is refused, with the text for the customer.
        """

    def all(self) -> list[ImageRecord]:
        """Return every image in order of id, pending ones too."""

    def one(self, image_id: int) -> ImageRecord | None:
        """Return one image; None when there is none."""

    def file(self, image_id: int) -> bytes | None:
        """Return a picture, a PNG; None when there is no image or no picture of it yet."""

    def delete(self, image_id: int) -> bool:
        """Delete an image, also one that is being drawn; whether there was one."""
