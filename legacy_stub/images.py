"""The images: ordered, waited for and drawn inside the customer's own request.

That is the slowness the shop complains of. Nothing is cached, an order sent twice is drawn twice,
and a process that dies while drawing leaves the row ``pendente`` for ever.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from legacy_stub.database import Image
from legacy_stub.flask_style import Answer, Request, json_answer, plain_answer, read_json
from legacy_stub.routing import Rule, rule

Render = Callable[[str, int, int], bytes]
"""Draws a picture: prompt, width and height in pixels -> the bytes of a PNG."""

MISSING = {"error": "Imagem não encontrada"}
DELETED = {"success": "Imagem deletada"}
SIZES = ("256x256", "512x512", "1024x1024", "1536x1024", "1024x1536")
DEFAULT_SIZE = "512x512"
PROMPT_CHARACTERS = 4000
LARGEST_ID = 2**63 - 1  # of a SQLite row
DELAY_SIGMA = 0.25  # two orders of three take between 0.78 and 1.28 times the median


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A picture that somebody may have: everything in it has been checked."""

    prompt: str
    size: str
    product_id: int | None


class OrderError(Exception):
    """An order that cannot be taken; ``text`` is what the customer reads."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class Images:
    """The handlers of ``/images``.

    Args:
        sessions: Opens a database session.
        render: Draws the picture.
        wait: Called between the order and the drawing; spends the time a slow model takes.
    """

    def __init__(
        self, sessions: sessionmaker[Session], *, render: Render, wait: Callable[[], None]
    ) -> None:
        self._sessions = sessions
        self._render = render
        self._wait = wait

    def rules(self) -> tuple[Rule, ...]:
        """Return the paths of this module."""
        return (
            rule("/images", {"GET": self.all, "POST": self.create}),
            rule("/images/<int>", {"GET": self.one, "DELETE": self.delete}),
            rule("/images/<int>/file", {"GET": self.file}),
        )

    def all(self, _request: Request, _number: int) -> Answer:
        """Answer every image, pending ones too, in order of id."""
        with self._sessions() as session:
            images = session.scalars(select(Image).order_by(Image.id))
            return json_answer([_record(image) for image in images])

    def one(self, _request: Request, image_id: int) -> Answer:
        """Answer one image's record."""
        with self._sessions() as session:
            image = _get(session, image_id)
            return json_answer(MISSING if image is None else _record(image))

    def create(self, request: Request, _number: int) -> Answer:
        """Take an order, draw it and answer when it is done: the customer waits."""
        try:
            order = read_order(read_json(request))
        except OrderError as error:
            return json_answer({"error": error.text})
        image_id = self._insert(order)
        self._wait()
        width, height = (int(side) for side in order.size.split("x"))
        return self._store(image_id, self._render(order.prompt, width, height))

    def file(self, _request: Request, image_id: int) -> Answer:
        """Answer the picture, whole and without validators."""
        with self._sessions() as session:
            image = _get(session, image_id)
            if image is None or image.png is None:
                return json_answer(MISSING)
            return plain_answer("image/png", image.png)

    def delete(self, _request: Request, image_id: int) -> Answer:
        """Delete one image, also one that is being drawn."""
        with self._sessions.begin() as session:
            image = _get(session, image_id)
            if image is None:
                return json_answer(MISSING)
            session.delete(image)
            return json_answer(DELETED)

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

    def _store(self, image_id: int, png: bytes) -> Answer:
        with self._sessions.begin() as session:
            image = session.get(Image, image_id)
            if image is None:  # deleted while it was being drawn
                return json_answer(MISSING)
            image.png = png
            image.status = "pronta"
            return json_answer(_record(image))


def read_order(value: object) -> Order:
    """Check what the customer sent, in this order: prompt, size, product.

    Raises:
        OrderError: With the text for the first thing that is wrong.
    """
    fields = value if isinstance(value, dict) else {}
    prompt = fields.get("prompt")
    if not isinstance(prompt, str) or not prompt.strip():
        raise OrderError("Prompt obrigatório")
    if len(prompt) > PROMPT_CHARACTERS:
        raise OrderError("Prompt longo demais")
    size = fields.get("size", DEFAULT_SIZE)
    if size not in SIZES:
        raise OrderError("Tamanho inválido")
    product_id = fields.get("product_id")
    # by type, not isinstance: to Python true is the integer 1
    if product_id is not None and (
        type(product_id) is not int or not 1 <= product_id <= LARGEST_ID
    ):
        raise OrderError("Produto inválido")
    return Order(prompt=prompt, size=size, product_id=product_id)


def delay_s(median_s: float, gauss: float) -> float:
    """Return how long one order takes: log-normal around ``median_s``.

    Args:
        median_s: Seconds; 0 gives 0.
        gauss: A draw from the standard normal distribution.
    """
    return median_s * math.exp(DELAY_SIGMA * gauss)


def _get(session: Session, image_id: int) -> Image | None:
    """Return a row; a number that no row can have is a missing one, unlike with products."""
    return session.get(Image, image_id) if image_id <= LARGEST_ID else None


def _record(image: Image) -> dict[str, object]:
    return {
        "id": image.id,
        "product_id": image.product_id,
        "prompt": image.prompt,
        "size": image.size,
        "status": image.status,
        "url": f"/images/{image.id}/file",
    }
