"""The tables of the import: where it stands, and which images are its."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Double, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from image_service.models import Base


class ImportRow(Base):
    """Where the import of one source stands; ``progress.Progress`` says what its columns mean."""

    __tablename__ = "imports"

    source: Mapped[str] = mapped_column(String(16), primary_key=True)
    feed: Mapped[str] = mapped_column(String(64))
    cursor: Mapped[str] = mapped_column(Text)
    position: Mapped[int] = mapped_column(BigInteger)
    last: Mapped[int] = mapped_column(BigInteger)
    round: Mapped[int] = mapped_column(Integer)
    in_snapshot: Mapped[bool] = mapped_column(Boolean)
    complete_at: Mapped[int | None] = mapped_column(BigInteger)
    is_swept: Mapped[bool] = mapped_column(Boolean)
    highest_id: Mapped[int] = mapped_column(BigInteger)
    newest_at: Mapped[float | None] = mapped_column(Double)
    as_of: Mapped[float | None] = mapped_column(Double)


class ImportedRow(Base):
    """An image that the source has told of.

    ``round`` is the one in which it was told of last; ``refused`` says why it, or its picture,
    is not here.
    """

    __tablename__ = "imported_images"

    image_id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False
    )
    round: Mapped[int] = mapped_column(Integer)
    refused: Mapped[str | None] = mapped_column(Text)
