"""A shop in little: what the old code answers, restless as old code is.

Each answer is made anew from what was asked, so that two of them differ where the shop itself is
restless: moments, ids of requests, counters, the order of tags, and pictures of a generator.
"""

from __future__ import annotations

import io
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from PIL import Image

from gateway.parallel_run.compare.calls import Call
from gateway.parallel_run.observation import Answer
from gateway.wire.messages import Header

JSON, PNG, HTML, EVENTS = (
    b"application/json",
    b"image/png",
    b"text/html; charset=utf-8",
    b"text/event-stream",
)


@dataclass(frozen=True, slots=True)
class Side:
    """What one side did for one request."""

    answer: Answer
    duration_s: float
    calls: tuple[Call, ...] = ()
    is_cut: bool = False


Kind = Callable[[int, random.Random], Side]


def _answer(body: bytes, kind: bytes, *more: Header, status: int = 200) -> Answer:
    return Answer(status=status, headers=((b"content-type", kind), *more), body=body)


def _json(value: object, *more: Header) -> Answer:
    return _answer((json.dumps(value) + "\n").encode(), JSON, *more)


def _duration_s(number: int, chance: random.Random) -> float:
    """Larger requests take longer on either side."""
    return 0.004 * (1 + number % 7) * chance.lognormvariate(0, 0.25)


def _moment(chance: random.Random) -> str:
    return f"2026-11-23T{chance.randrange(24):02}:{chance.randrange(60):02}:00Z"


def record(number: int, chance: random.Random) -> dict[str, object]:
    """A product as the old code tells it."""
    tags = ["novo", "oferta", "loja"]
    if chance.random() < 0.2:
        chance.shuffle(tags)
    return {
        "id": number,
        "name": f"Pão de Açúcar {number}",
        "price": number + 0.95,
        "stock": number % 13,
        "note": None,
        "tags": tags,
        "views": chance.randrange(3),
        "url": f"http://legacy:8001/images/{number}/file",
        "request_id": str(UUID(int=chance.getrandbits(128), version=4)),
        "served_at": _moment(chance),
    }


def show(number: int, chance: random.Random) -> Side:
    """One product; one in ten is not there, which the old code says with a 200."""
    cookie = (b"set-cookie", b"session=%x; Path=/; HttpOnly" % chance.getrandbits(64))
    if number % 10 == 9:
        missing = {"error": "Produto não encontrado"}
        return Side(_json(missing, cookie), _duration_s(number, chance))
    return Side(_json(record(number, chance), cookie), _duration_s(number, chance))


def listing(number: int, chance: random.Random) -> Side:
    """A page of products."""
    first = number * 20
    products = [record(each, chance) for each in range(first, first + 8)]
    return Side(_json(products), _duration_s(number, chance))


def page(number: int, chance: random.Random) -> Side:
    """A page of the shop, with a token that is new each time."""
    token = f"{chance.getrandbits(64):x}"
    text = (
        f"<html><body><h1>Loja</h1><p>Olá, pão {number}</p>"
        f'<form action="/images"><input name="csrf" value="{token}"></form></body></html>'
    )
    return Side(_answer(text.encode(), HTML), _duration_s(number, chance))


def events(number: int, chance: random.Random) -> Side:
    """The progress of an order."""
    steps = [{"progress": done, "at": _moment(chance)} for done in (0, 50, 100)]
    body = "".join(f"event: status\ndata: {json.dumps(step)}\n\n" for step in steps)
    return Side(_answer(body.encode(), EVENTS), _duration_s(number, chance))


def picture(number: int, chance: random.Random) -> Side:
    """The picture of an image: the same bytes each time, with a word about who made it."""
    scene = Image.linear_gradient("L").resize((48, 48)).convert("RGBA")
    scene.paste((number * 37 % 256, number * 91 % 256, 120, 255), (6, 6, 30, 20 + number % 9))
    return Side(_answer(png(scene, marked=True), PNG), _duration_s(number, chance))


def painted(number: int, chance: random.Random) -> Side:
    """A picture that a generator paints anew each time, in the colours that the prompt asks for."""
    scene = paint(colour_of(number), chance)
    order = {"model": "gpt-image-2", "prompt": f"uma figueira {number}", "size": "48x48"}
    call = Call(
        method="POST",
        target="/images/generations",
        content_type=JSON,
        body=json.dumps(order).encode(),
    )
    return Side(_answer(png(scene), PNG), _duration_s(number, chance), (call,))


def colour_of(number: int) -> tuple[int, int, int]:
    """What a prompt asks for."""
    return number * 53 % 200 + 20, number * 101 % 200 + 20, number * 29 % 200 + 20


def paint(colour: tuple[int, int, int], chance: random.Random) -> Image.Image:
    """A picture in some colour, never the same twice."""
    scene = Image.new("RGB", (48, 48), tuple(each + chance.randrange(-15, 16) for each in colour))
    for _ in range(12):
        x, y = chance.randrange(40), chance.randrange(40)
        tint = tuple(max(0, min(255, each + chance.randrange(-60, 61))) for each in colour)
        scene.paste(tint, (x, y, x + chance.randrange(3, 16), y + chance.randrange(3, 16)))
    return scene


def png(scene: Image.Image, *, marked: bool = False) -> bytes:
    """The picture as a file."""
    from PIL.PngImagePlugin import PngInfo  # noqa: PLC0415 - Pillow loads formats when needed

    file, facts = io.BytesIO(), PngInfo()
    if marked:
        facts.add_text("Software", "loja")
    scene.save(file, "PNG", pnginfo=facts, compress_level=1)
    return file.getvalue()


KINDS: dict[str, Kind] = {
    "show": show,
    "listing": listing,
    "page": page,
    "events": events,
    "picture": picture,
    "painted": painted,
}
"""What customers ask for, in turn."""
