"""The table of images."""

from __future__ import annotations

import re

from sqlalchemy import (
    BigInteger,
    Dialect,
    Double,
    Identity,
    Index,
    Integer,
    String,
    Text,
    TypeDecorator,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

# The monolith counts from 1; both sides may create images at the same time.
FIRST_ID = 1_000_000_001

_SPECIAL = re.compile(r"[\x00\\]")
_ESCAPED = re.compile(r"\\([0\\])")


class AnyText(TypeDecorator[str]):
    r"""Text that may hold a zero character, which PostgreSQL refuses: stored as ``\0``.

    A backslash is stored as two. On every database alike, so that rows can be copied.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Escape on the way in."""
        del dialect
        if value is None:
            return None
        return _SPECIAL.sub(lambda found: r"\0" if found[0] == "\0" else r"\\", value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """Unescape on the way out."""
        del dialect
        if value is None:
            return None
        return _ESCAPED.sub(lambda found: "\0" if found[1] == "0" else "\\", value)


class Base(DeclarativeBase):
    """The service's schema."""


class ImageRow(Base):
    """One ordered image.

    ``status`` is ``pendente``, ``pronta`` or ``falhou``; ``sha256`` is set when it is ``pronta``,
    ``failure`` (a kind of PictureError) when it is ``falhou``. Times are seconds since 1970, UTC.
    """

    __tablename__ = "images"
    # Without AUTOINCREMENT SQLite gives the id of a deleted last row out again.
    __table_args__ = (Index("images_of_picture", "sha256"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"),
        Identity(start=FIRST_ID),
        primary_key=True,
    )
    prompt: Mapped[str] = mapped_column(AnyText)
    product_id: Mapped[int | None] = mapped_column(BigInteger)
    size: Mapped[str] = mapped_column(String(16))
    status: Mapped[str] = mapped_column(String(16))
    sha256: Mapped[str | None] = mapped_column(String(64))
    # What the provider sent, where the picture had to be made from it.
    original_sha256: Mapped[str | None] = mapped_column(String(64))
    provider: Mapped[str] = mapped_column(String(64))
    failure: Mapped[str | None] = mapped_column(String(32))
    created_at: Mapped[float] = mapped_column(Double)
    finished_at: Mapped[float | None] = mapped_column(Double)
