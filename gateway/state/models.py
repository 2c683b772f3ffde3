"""The tables as they are read and written; the migrations create them."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import DateTime, Dialect, Identity, LargeBinary, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """A timezone-aware moment, read back in UTC. SQLite keeps no zone, so UTC is what it keeps."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC; a naive moment is refused, for nobody could say when it was."""
        del dialect
        if value is None:
            return None
        if value.utcoffset() is None:
            raise ValueError(f"{value!r} has no time zone; hand in an aware datetime")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The same moment with its zone."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """What all tables share: their metadata."""


class RevisionRow(Base):
    """A routes.yaml that was accepted."""

    __tablename__ = "revisions"
    # AUTOINCREMENT: SQLite would otherwise give a deleted row's number away again.
    __table_args__ = ({"sqlite_autoincrement": True},)

    number: Mapped[int] = mapped_column(Identity(), primary_key=True)
    accepted_at: Mapped[datetime] = mapped_column(UtcDateTime)
    digest: Mapped[str] = mapped_column(String(64))
    """SHA-256 of `text`, hexadecimal."""
    text: Mapped[bytes] = mapped_column(LargeBinary)
    """The file as it was read, comments and all."""
    author: Mapped[str | None] = mapped_column(String(255))
    """Who made it, as far as that was told; None for a plain edit."""
    how: Mapped[str | None] = mapped_column(Text)
    """The verb that made it, e.g. ``set images image_service=25``."""
    restores: Mapped[int | None]
    """The revision whose text this is again, if it was undone to."""
    diff: Mapped[str | None] = mapped_column(Text)
    """What it changed in the revision before it; None where that was not kept."""


class RefusalRow(Base):
    """A routes.yaml that was refused."""

    __tablename__ = "refusals"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    refused_at: Mapped[datetime] = mapped_column(UtcDateTime)
    digest: Mapped[str] = mapped_column(String(64))
    """SHA-256 of the file as it was read; empty if it could not be."""
    author: Mapped[str | None] = mapped_column(String(255))
    how: Mapped[str | None] = mapped_column(Text)
    problem: Mapped[str] = mapped_column(Text)
    """The first one, in words."""
    problems: Mapped[int]
    """How many there are."""
