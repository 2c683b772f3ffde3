"""The one place where the shop's pages reach pictures: to order one, and to list a product's.

They knock at the doors that any program knocks at, ``POST /images`` and ``GET /images``, only
without a network between. So whatever decides there who makes pictures decides for the pages too.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from legacy_stub.flask_style import JSON, Answer, Request

READY, PENDING = "pronta", "pendente"
SORRY = "Não conseguimos pintar esta imagem agora. Tente outra vez daqui a pouco."

WORDS = {
    "Prompt obrigatório": "Descreva o que a imagem deve mostrar.",
    "Prompt longo demais": "A descrição é longa demais: use até 4.000 letras.",
    "Tamanho inválido": "Escolha um dos tamanhos da lista.",
}
"""What a program is told -> what a person is."""

Door = Callable[[Request, int], Answer]
"""A handler of ``/images``."""

log = logging.getLogger("legacy_stub.shop")


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture as a page shows it.

    Attributes:
        product_id: None when it belongs to no product.
        size: ``WIDTHxHEIGHT`` in pixels.
        status: ``pronta``, ``pendente``, or what else its maker says.
    """

    id: int
    product_id: int | None
    prompt: str
    size: str
    status: str


class PictureError(Exception):
    """No picture came of an order, or no list of a question.

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

    def of(self, product_ids: Collection[int]) -> list[Picture]:
        """Return the pictures of these products, the largest id first.

        Raises:
            PictureError: They cannot be known now.
        """


class PicturesBehindDoors:
    """Pictures as the handlers of ``/images`` give them.

    Args:
        create: Answers ``POST /images``.
        all_images: Answers ``GET /images``.
    """

    def __init__(self, *, create: Door, all_images: Door) -> None:
        self._create = create
        self._all = all_images

    def order(self, prompt: str, size: str, product_id: int) -> Picture:
        """Order one as ``POST /images`` does."""
        fields = {"prompt": prompt, "size": size, "product_id": product_id}
        body = json.dumps(fields).encode()
        record = _ask(
            self._create,
            Request(method="POST", target="/images", content_type=JSON, body=body),
        )
        if "error" in record:
            said = f"{record['error']}"
            raise PictureError(WORDS.get(said, said), is_fault=False)
        return _picture(record)

    def of(self, product_ids: Collection[int]) -> list[Picture]:
        """Choose them from ``GET /images``, which knows no filter."""
        records = _ask(self._all, Request(method="GET", target="/images"))
        own = (record for record in records if record["product_id"] in product_ids)
        return sorted(map(_picture, own), key=lambda picture: picture.id, reverse=True)


def _ask(door: Door, request: Request) -> Any:
    try:
        return json.loads(door(request, 0).body)
    except Exception as error:  # drawing can fail in any way, and a page is owed all the same
        # one line: while whoever knows the pictures is away, each look at a page comes by here
        kind = type(error).__name__
        log.warning("no answer to %s %s: %s: %s", request.method, request.target, kind, error)
        raise PictureError(SORRY, is_fault=True) from error


def _picture(record: Mapping[str, Any]) -> Picture:
    return Picture(
        id=record["id"],
        product_id=record["product_id"],
        prompt=record["prompt"],
        size=record["size"],
        status=record["status"],
    )
