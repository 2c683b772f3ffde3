"""The images of the shop: rows in, images out. Orders are written by ``image_service.jobs``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Row, select

from image_service.contract import Order, Size, shape_of
from image_service.database import Database, unbroken
from image_service.models import ImageRow

Status = Literal["pendente", "pronta", "falhou"]

PAGE = 100
"""Images of one look, 0.4 MB with the longest prompts: what one slow reader holds in memory."""

_COLUMNS = (
    ImageRow.id,
    ImageRow.prompt,
    ImageRow.product_id,
    ImageRow.size,
    ImageRow.status,
    ImageRow.sha256,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredImage:
    """An image as the database holds it; ``sha256`` is None until it is ``pronta``."""

    image_id: int
    order: Order
    status: Status
    sha256: str | None


class Store:
    """Reads images."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @unbroken
    async def get(self, image_id: int) -> StoredImage | None:
        """Return an image, None when there is none."""
        async with self._database.read() as connection:
            row = (
                await connection.execute(select(*_COLUMNS).where(ImageRow.id == image_id))
            ).one_or_none()
        return None if row is None else _stored(row)

    @unbroken
    async def page(self, *, after: int) -> Sequence[StoredImage]:
        """Return the next images behind an id, in order; fewer than ``PAGE`` are the last."""
        statement = select(*_COLUMNS).where(ImageRow.id > after).order_by(ImageRow.id).limit(PAGE)
        async with self._database.read() as connection:
            rows = await connection.execute(statement)
        return [_stored(row) for row in rows]

    @unbroken
    async def check(self) -> None:
        """Read from the table.

        Raises:
            SQLAlchemyError: It does not answer.
            OSError: It cannot be reached.
        """
        async with self._database.read() as connection:
            await connection.execute(select(ImageRow.id).limit(1))


def _stored(row: Row[int, str, int | None, str, str, str | None]) -> StoredImage:
    image_id, prompt, product_id, size, status, sha256 = row
    return StoredImage(
        image_id=image_id,
        order=Order(prompt=prompt, size=_size(size), product_id=product_id),
        status=_STATUSES[status],
        sha256=sha256,
    )


def _size(text: str) -> Size:
    """Read a stored size: of an imported image it may be one that cannot be ordered."""
    size = shape_of(text)
    if size is None:
        raise ValueError(f"the size {text[:16]!r} is in the database and is none")
    return size


_STATUSES: dict[str, Status] = {"pendente": "pendente", "pronta": "pronta", "falhou": "falhou"}
