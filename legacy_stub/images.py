"""The handlers of ``/images``: ordered, waited for and drawn inside the customer's own request.

That is the slowness the shop complains of. Who draws is the gallery's business.
"""

from __future__ import annotations

from legacy_stub.flask_style import Answer, Request, json_answer, plain_answer, read_json
from legacy_stub.gallery.port import MISSING, Gallery
from legacy_stub.orders import OrderError, read_order
from legacy_stub.routing import Rule, rule

NOT_THERE = {"error": MISSING}
DELETED = {"success": "Imagem deletada"}


class Images:
    """The customers' side of a gallery."""

    def __init__(self, gallery: Gallery) -> None:
        self._gallery = gallery

    def rules(self) -> tuple[Rule, ...]:
        """Return the paths of this module."""
        return (
            rule("/images", {"GET": self.all, "POST": self.create}),
            rule("/images/<int>", {"GET": self.one, "DELETE": self.delete}),
            rule("/images/<int>/file", {"GET": self.file}),
        )

    def all(self, _request: Request, _number: int) -> Answer:
        """Answer every image, pending ones too, in order of id."""
        return json_answer([image.as_json() for image in self._gallery.all()])

    def one(self, _request: Request, image_id: int) -> Answer:
        """Answer one image's record."""
        image = self._gallery.one(image_id)
        return json_answer(NOT_THERE if image is None else image.as_json())

    def create(self, request: Request, _number: int) -> Answer:
        """Take an order and answer when its picture is there: the customer waits."""
        try:
            image = self._gallery.order(read_order(read_json(request)))
        except OrderError as error:
            return json_answer({"error": error.text})
        return json_answer(NOT_THERE if image is None else image.as_json())

    def file(self, _request: Request, image_id: int) -> Answer:
        """Answer the picture, whole and without validators."""
        picture = self._gallery.file(image_id)
        return json_answer(NOT_THERE) if picture is None else plain_answer("image/png", picture)

    def delete(self, _request: Request, image_id: int) -> Answer:
        """Delete one image, also one that is being drawn."""
        return json_answer(DELETED if self._gallery.delete(image_id) else NOT_THERE)
