"""The order of a picture: what a customer may ask for, decided purely."""

from __future__ import annotations

from dataclasses import dataclass

SIZES = ("256x256", "512x512", "1024x1024", "1536x1024", "1024x1536")
DEFAULT_SIZE = "512x512"
PROMPT_CHARACTERS = 4000
LARGEST_ID = 2**63 - 1  # of a SQLite row


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A picture that somebody may have: everything in it has been checked.

    Attributes:
        prompt: What is to be seen, 1..4000 characters.
        size: ``WIDTHxHEIGHT`` in pixels, one of ``SIZES``.
        product_id: None when the picture belongs to no product.
    """

    prompt: str
    size: str = DEFAULT_SIZE
    product_id: int | None = None

    @property
    def sides(self) -> tuple[int, int]:
        """Width and height in pixels."""
        width, height = (int(side) for side in self.size.split("x"))
        return width, height


class OrderError(Exception):
    """An order that cannot be taken; ``text`` is what the customer reads."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


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
