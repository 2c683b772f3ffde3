"""The table of accounts."""

from __future__ import annotations

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from image_service.models import Base


class AccountRow(Base):
    """What a customer has spent and may still have to spend, in millionths of a dollar.

    The customer ``*`` is everybody together. ``reserved`` is the sum over unfinished jobs.
    """

    __tablename__ = "accounts"

    period: Mapped[str] = mapped_column(String(10), primary_key=True)
    customer: Mapped[str] = mapped_column(String(80), primary_key=True)
    reserved: Mapped[int] = mapped_column(BigInteger)
    spent: Mapped[int] = mapped_column(BigInteger)
