"""Faults of a candidate, one at a time: what a rewrite gets wrong."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from PIL import Image, ImageFilter

from gateway.parallel_run.observation import Answer
from tests.proof.shop import Side, colour_of, paint, png

Spoil = Callable[[Side, int, random.Random], Side]


@dataclass(frozen=True, slots=True)
class Fault:
    """One way of being wrong."""

    name: str
    kind: str
    """The kind of request it shows in."""
    spoil: Spoil


def _body(change: Callable[[bytes], bytes]) -> Spoil:
    def spoil(side: Side, number: int, chance: random.Random) -> Side:
        del number, chance
        return replace(side, answer=replace(side.answer, body=change(side.answer.body)))

    return spoil


def _value(change: Callable[[Any], object]) -> Spoil:
    """Change what the JSON says; where there is a list, of each item."""

    def spoil(body: bytes) -> bytes:
        value = json.loads(body)
        if isinstance(value, dict) and "error" in value:
            return body
        changed = [change(each) for each in value] if isinstance(value, list) else change(value)
        return (json.dumps(changed) + "\n").encode()

    return _body(spoil)


def _whole(change: Callable[[Any], object]) -> Spoil:
    return _body(lambda body: json.dumps(change(json.loads(body))).encode())


def _answer(change: Callable[[Answer], Answer]) -> Spoil:
    return lambda side, _number, _chance: replace(side, answer=change(side.answer))


def _seldom(share: float, spoil: Spoil) -> Spoil:
    """By number, so that the same request is always wrong."""

    def sometimes(side: Side, number: int, chance: random.Random) -> Side:
        is_wrong = random.Random(number).random() < share
        return spoil(side, number, chance) if is_wrong else side

    return sometimes


def _header(name: bytes, value: bytes | None) -> Spoil:
    def change(answer: Answer) -> Answer:
        kept = tuple(each for each in answer.headers if each[0] != name)
        added = ((name, value),) if value is not None else ()
        return replace(answer, headers=(*kept, *added))

    return _answer(change)


def _picture(change: Callable[[Image.Image], Image.Image], **options: Any) -> Spoil:
    def spoil(body: bytes) -> bytes:
        file = io.BytesIO()
        change(Image.open(io.BytesIO(body))).save(file, **{"format": "PNG", **options})
        return file.getvalue()

    return _body(spoil)


def _painted(scene: Callable[[int, random.Random], Image.Image]) -> Spoil:
    def spoil(side: Side, number: int, chance: random.Random) -> Side:
        body = png(scene(number, chance))
        return replace(side, answer=replace(side.answer, body=body))

    return spoil


def _call(change: Callable[[dict[str, object]], object], *, times: int = 1) -> Spoil:
    def spoil(side: Side, number: int, chance: random.Random) -> Side:
        del number, chance
        (call,) = side.calls
        body = json.dumps(change(json.loads(call.body))).encode()
        return replace(side, calls=(replace(call, body=body),) * times)

    return spoil


def _slower(factor: float) -> Spoil:
    return lambda side, _number, _chance: replace(side, duration_s=side.duration_s * factor)


def _cut(side: Side, number: int, chance: random.Random) -> Side:
    del number, chance
    return replace(side, is_cut=True)


def _real_404(answer: Answer) -> Answer:
    return replace(answer, status=404) if b'"error"' in answer.body else answer


def _without(key: str) -> Spoil:
    return _value(lambda each: {name: value for name, value in each.items() if name != key})


def _with(**values: object) -> Spoil:
    return _value(lambda each: {**each, **values})


def _shifted(number: int, chance: random.Random) -> Image.Image:
    red, green, blue = colour_of(number)
    return paint((red + 34, green, blue), chance)


FAULTS = (
    Fault("a wrong price", "show", _with(price=1.0)),
    Fault("a wrong price in 1 of 60 products", "show", _seldom(1 / 60, _with(price=1.0))),
    Fault("a price rounded", "show", _value(lambda each: {**each, "price": round(each["price"])})),
    Fault(
        "an integer as a float",
        "show",
        _value(lambda each: {**each, "stock": float(each["stock"])}),
    ),
    Fault("an id as text", "show", _value(lambda each: {**each, "id": str(each["id"])})),
    Fault("a field missing", "show", _without("stock")),
    Fault("null left out", "show", _without("note")),
    Fault("a field too many", "show", _with(internal=True)),
    Fault(
        "accents lost",
        "show",
        _value(lambda each: {**each, "name": each["name"].encode("ascii", "ignore").decode()}),
    ),
    Fault(
        "a double-encoded name",
        "show",
        _value(lambda each: {**each, "name": each["name"].encode().decode("latin-1")}),
    ),
    Fault("a counter that never counts", "show", _with(views=0)),
    Fault(
        "a counter of another type",
        "show",
        _value(lambda each: {**each, "views": str(each["views"])}),
    ),
    Fault("moments in another form", "show", _with(served_at="23/11/2026 10:00")),
    Fault("a 404 where the old code says 200", "show", _answer(_real_404)),
    Fault(
        "a 500 for 1 of 50 products",
        "show",
        _seldom(1 / 50, _answer(lambda each: replace(each, status=500))),
    ),
    Fault("the session's cookie lost", "show", _header(b"set-cookie", None)),
    Fault("a cookie without HttpOnly", "show", _header(b"set-cookie", b"session=1; Path=/")),
    Fault("another Content-Type", "show", _header(b"content-type", b"text/json")),
    Fault(
        "links to the inside",
        "show",
        _value(lambda each: {**each, "url": each["url"].replace("file", "raw")}),
    ),
    Fault("a list in another order", "listing", _whole(lambda each: each[::-1])),
    Fault("a record twice", "listing", _whole(lambda each: [*each, each[-1]])),
    Fault("a page too short", "listing", _whole(lambda each: each[:-1])),
    Fault(
        "yesterday's stock in 1 of 20 answers",
        "listing",
        _seldom(1 / 20, _value(lambda each: {**each, "stock": -1})),
    ),
    Fault("an answer cut short", "listing", _seldom(1 / 30, _cut)),
    Fault("three times as slow", "listing", _slower(3)),
    Fault("half as slow again", "show", _slower(1.5)),
    Fault(
        "a form that goes elsewhere",
        "page",
        _body(lambda body: body.replace(b"/images", b"/orders")),
    ),
    Fault(
        "text that is not escaped the same",
        "page",
        _body(lambda body: body.replace("ã".encode(), b"&amp;atilde;")),
    ),
    Fault("an event missing", "events", _body(lambda body: body.replace(b"50", b"51"))),
    Fault("the last event never sent", "events", _body(lambda body: body.rpartition(b"event")[0])),
    Fault("a picture of half the size", "picture", _picture(lambda each: each.resize((24, 24)))),
    Fault(
        "another format under the same name",
        "picture",
        _picture(lambda each: each, format="WEBP", lossless=True),
    ),
    Fault("transparency lost", "picture", _picture(lambda each: each.convert("RGB"))),
    Fault("metadata dropped", "picture", _picture(lambda each: each.copy())),
    Fault(
        "a soft picture", "picture", _picture(lambda each: each.filter(ImageFilter.GaussianBlur(1)))
    ),
    Fault("a picture cut in half", "picture", _body(lambda body: body[: len(body) // 2])),
    Fault(
        "the prompt ignored",
        "painted",
        _painted(lambda number, chance: paint(colour_of(number + 7), chance)),
    ),
    Fault("too much red", "painted", _painted(_shifted)),
    Fault(
        "always the same picture",
        "painted",
        _painted(lambda number, _chance: paint(colour_of(number), random.Random(number))),
    ),
    Fault("the collaborator asked twice", "painted", _call(lambda each: each, times=2)),
    Fault(
        "the collaborator asked for another size",
        "painted",
        _call(lambda each: {**each, "size": "96x96"}),
    ),
)
"""Each is a rewrite's honest mistake."""
