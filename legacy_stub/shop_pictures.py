"""The one place where the shop's pages reach pictures: to order one, and to list a product's.

An order of a page goes through the same door as ``POST /images``, so whatever decides there who
makes a picture decides for the pages as well.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from legacy_stub import images
from legacy_stub.database import Image
from legacy_stub.flask_style import JSON, Answer, Request

DEFAULT_SIZE = images.DEFAULT_SIZE
PROMPT_CHARACTERS = images.PROMPT_CHARACTERS
SIZES = images.SIZES

log = logging.getLogger("legacy_stub.shop")


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture as a page shows it.

    Attributes:
        status: ``pronta``, ``pendente``, or what else its maker says.
        size: ``WIDTHxHEIGHT`` in pixels.
    """

    id: int
    product_id: int | None
    prompt: str
    size: str
    status: str


class PictureError(Exception):
    """No picture came of an order.

    Attributes:
        text: What the customer reads.
        is_fault: Whether the shop is at fault; otherwise the order was.
    """

    def __init__(self, text: str, *, is_fault: bool) -> None:
        super().__init__(text)
        self.text = text
        self.is_fault = is_fault


class Pictures(Protocol):
    """What the pages need of pictures."""

    def order(self, prompt: str, size: str, product_id: int) -> Picture:
        """Order one and wait for it.

        Raises:
            PictureError: There is none, or not now.
        """

    def of(self, product_ids: Sequence[int]) -> list[Picture]:
        """Return the pictures of these products, the largest id first."""


class OwnPictures:
    """The monolith's own pictures.

    Args:
        sessions: Opens a database session.
        create: What answers ``POST /images``.
    """

    def __init__(
        self, sessions: sessionmaker[Session], create: Callable[[Request, int], Answer]
    ) -> None:
        self._sessions = sessions
        self._create = create

    def order(self, prompt: str, size: str, product_id: int) -> Picture:
        """Order one as ``POST /images`` does."""
        fields = {"prompt": prompt, "size": size, "product_id": product_id}
        body = json.dumps(fields).encode()
        request = Request(method="POST", target="/images", content_type=JSON, body=body)
        try:
            answer = self._create(request, 0)
        except Exception as error:  # drawing can fail in any way, and the customer gets a page
            log.exception("an order of the shop's page failed")
            text = "Não conseguimos pintar esta imagem agora. Tente outra vez daqui a pouco."
            raise PictureError(text, is_fault=True) from error
        return _picture(json.loads(answer.body))

    def of(self, product_ids: Sequence[int]) -> list[Picture]:
        """Return those that the monolith itself made or is making."""
        columns = (Image.id, Image.product_id, Image.prompt, Image.size, Image.status)
        query = select(*columns).where(Image.product_id.in_(product_ids)).order_by(Image.id.desc())
        with self._sessions() as session:
            return [
                Picture(id=number, product_id=product_id, prompt=prompt, size=size, status=status)
                for number, product_id, prompt, size, status in session.execute(query)
            ]


def _picture(record: dict[str, object]) -> Picture:
    if "error" in record:
        raise PictureError(f"{record['error']}", is_fault=False)
    product_id = record["product_id"]
    return Picture(
        id=int(f"{record['id']}"),
        product_id=product_id if isinstance(product_id, int) else None,
        prompt=f"{record['prompt']}",
        size=f"{record['size']}",
        status=f"{record['status']}",
    )
