"""From what a page shows to its HTML, and the files that pages load."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from legacy_stub.flask_style import Answer, Request
from legacy_stub.routing import Handler
from legacy_stub.shop_pictures import PENDING, READY, Picture
from legacy_stub.shop_visit import TOKEN, Visit

FILES = Path(__file__).with_name("shop_files")
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
VERSION_CHARACTERS = 12  # of the digest in a file's URL: enough that no two versions share one
LARGEST_SHOWN = 1e12  # above it a price is no number that anybody would read
ALT_CHARACTERS = 200  # a screen reader need not read a whole long order
PROMPT_CHARACTERS = 4000  # what POST /images takes
DEFAULT_SIZE = "512x512"
SIZE_NAMES = {
    "256x256": "Pequena",
    "512x512": "Média",
    "1024x1024": "Grande",
    "1536x1024": "Paisagem",
    "1024x1536": "Retrato",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """What the list of products says of one's pictures.

    Attributes:
        cover: The picture to show; None while none is ready.
        ready: How many are ready.
        pending: How many are not.
    """

    cover: Picture | None
    ready: int
    pending: int


def render(template: str, visit: Visit, values: Mapping[str, object]) -> str:
    """Return a page, in which every value is escaped; the sentences kept for it are forgotten."""
    found = _environment().get_template(template)
    return found.render(values, visit=visit, flashes=visit.take_flashes())


def shelves(product_ids: Sequence[int], pictures: Sequence[Picture]) -> dict[int, Shelf]:
    """Sort ``pictures``, the newest first, onto the shelf of each product."""
    found: dict[int, Shelf] = {}
    for product_id in product_ids:
        own = [picture for picture in pictures if picture.product_id == product_id]
        ready = [picture for picture in own if picture.status == READY]
        pending = sum(picture.status == PENDING for picture in own)
        cover = ready[0] if ready else None
        found[product_id] = Shelf(cover=cover, ready=len(ready), pending=pending)
    return found


def price_text(price: float) -> str:
    """Return an amount as Brazilians write it; products may have any price, infinite ones too."""
    if not math.isfinite(price) or abs(price) >= LARGEST_SHOWN:
        return "Preço sob consulta"
    amount = f"{abs(price):,.2f}".translate(str.maketrans(",.", ".,"))
    sign = "-" if price < 0 and amount != "0,00" else ""
    return f"{sign}R$\N{NO-BREAK SPACE}{amount}"


def alt_text(prompt: str) -> str:
    """Return what a picture shows, in one line that is not endless."""
    line = " ".join(prompt.split())
    return line if len(line) <= ALT_CHARACTERS else f"{line[: ALT_CHARACTERS - 1]}…"


def isolated(name: str) -> str:
    """Return a name that cannot turn round the sentence it stands in: <bdi>, where no HTML can."""
    return f"\N{FIRST STRONG ISOLATE}{name}\N{POP DIRECTIONAL ISOLATE}"


def size_text(size: str) -> str:
    """Return what a customer calls a size."""
    pixels = size.replace("x", " \N{MULTIPLICATION SIGN} ")
    return f"{SIZE_NAMES[size]} ({pixels})"


def sides(size: str) -> tuple[str, str]:
    """Return width and height of ``WIDTHxHEIGHT``."""
    width, _, height = size.partition("x")
    return width, height


@cache
def _environment() -> Environment:
    """Return the templates, each compiled when first shown."""
    made = Environment(
        loader=PackageLoader("legacy_stub"),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(price=price_text, alt=alt_text, sides=sides)
    made.globals.update(
        files=files_by_name(),
        token_field=TOKEN,
        sizes=[(size, size_text(size)) for size in SIZE_NAMES],
    )
    return made


def files_by_name() -> dict[str, str]:
    """Return the URL of each file that pages load: another one whenever its content is another."""
    return {file.name: f"/loja/{file.name}?v={_version(file)}" for file in sorted(FILES.iterdir())}


def file_handlers() -> dict[str, Handler]:
    """Return what answers each of these files' paths."""
    return {f"/loja/{file.name}": _sender(file) for file in sorted(FILES.iterdir())}


def _version(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:VERSION_CHARACTERS]


def _sender(file: Path) -> Handler:
    body = file.read_bytes()
    headers = (
        ("Content-Type", TYPES[file.suffix]),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "public, max-age=31536000, immutable"),  # its URL says its version
        ("X-Content-Type-Options", "nosniff"),
    )

    def send(_request: Request, _number: int) -> Answer:
        return Answer(status=200, headers=headers, body=body)

    return send
