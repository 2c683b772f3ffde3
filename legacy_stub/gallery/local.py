"""Images made and kept by the monolith itself, as it always did.

The row is committed before the drawing. Nothing is cached, an order sent twice is drawn twice, and
a process that dies while drawing, or a provider that fails, leaves the row ``pendente`` for ever.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Delete, Update, delete, select, update
from sqlalchemy.orm import Session, sessionmaker

from legacy_stub.database import Image
from legacy_stub.gallery.port import ImageRecord
from legacy_stub.orders import LARGEST_ID, Order

Paint = Callable[[str, int, int], bytes]
"""Makes a picture: prompt, width and height in pixels -> a PNG of that size.

Blocks for as long as it takes, and raises GalleryError when there will be no picture.
"""


class LocalGallery:
    """The tables and the provider of this process; a ``Gallery``.

    Args:
        sessions: Opens a database session.
        paint: Makes the picture.
    """

    def __init__(self, sessions: sessionmaker[Session], paint: Paint) -> None:
        self._sessions = sessions
        self._paint = paint

    def order(self, order: Order) -> ImageRecord | None:
        """Commit the row, draw, store the picture."""
        image_id = self._insert(order)
        png = self._paint(order.prompt, *order.sides)
        row = update(Image).where(Image.id == image_id)
        if not self._change(row.values(png=png, status="pronta")):
            return None  # deleted while it was being drawn
        return ImageRecord(image_id=image_id, order=order, status="pronta")

    def all(self) -> list[ImageRecord]:
        """Return every row in order of id."""
        with self._sessions() as session:
            images = session.scalars(select(Image).order_by(Image.id))
            return [_record(image) for image in images]

    def one(self, image_id: int) -> ImageRecord | None:
        """Return one row."""
        with self._sessions() as session:
            image = _get(session, image_id)
            return None if image is None else _record(image)

    def file(self, image_id: int) -> bytes | None:
        """Return the picture of one row."""
        with self._sessions() as session:
            image = _get(session, image_id)
            return None if image is None else image.png

    def delete(self, image_id: int) -> bool:
        """Delete one row."""
        row = delete(Image).where(Image.id == image_id)
        return image_id <= LARGEST_ID and self._change(row)

    def _insert(self, order: Order) -> int:
        with self._sessions() as session:
            image = Image(
                product_id=order.product_id,
                prompt=order.prompt,
                size=order.size,
                status="pendente",
            )
            session.add(image)
            session.commit()
            return image.id

    def _change(self, row: Update | Delete) -> bool:
        """Change one row; whether it was there."""
        with self._sessions.begin() as session:
            return session.connection().execute(row).rowcount > 0


def _get(session: Session, image_id: int) -> Image | None:
    """Return a row; a number that no row can have is a missing one, unlike with products."""
    return session.get(Image, image_id) if image_id <= LARGEST_ID else None


def _record(image: Image) -> ImageRecord:
    order = Order(prompt=image.prompt, size=image.size, product_id=image.product_id)
    return ImageRecord(image_id=image.id, order=order, status=image.status)
