"""Another weight in the text of routes.yaml, and no other character of it.

The text is not written anew from what it means: comments, order, spacing, quotes, line ends and a
byte order mark are the operator's. Only the characters of the numbers that change are replaced.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass

from gateway.config.document import Document, Value, parse
from gateway.config.layout import Weight
from gateway.config.report import Place
from gateway.config.source import BYTE_ORDER_MARK, decode, index_of
from gateway.config.splits import WrittenRoute, routes_of
from gateway.config.units import REST, percent, weight
from gateway.config.weights import new_weights
from gateway.config.wording import Guess, Refusal, quoted

# A weight as it is written: nothing else is let through by `units.weight`, save for escapes.
_WRITTEN = re.compile(r"""[-0-9.]+|rest|'rest'|"rest\"""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """Some characters of one line, and what stands there instead."""

    line: int
    column: int
    """Both from 1, in characters."""
    old: str
    new: str

    def __str__(self) -> str:
        """``line 21, column 27: 5 -> 25``."""
        return f"line {self.line}, column {self.column}: {self.old} -> {self.new}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A changed text."""

    text: bytes
    before: WrittenRoute
    after: WrittenRoute
    replacements: tuple[Replacement, ...]
    """In file order; empty if the weights are as asked for already."""


def set_weights(source: bytes, route: str, asked: Mapping[str, Weight]) -> Edit:
    """Give some backends of a route's split other weights.

    Args:
        source: A good routes.yaml.
        route: The route's name.
        asked: Backend -> buckets, or ``rest``.

    Raises:
        Refusal: There is no such route, split or backend; or the weights do not come to 100.
        ConfigError: The file is no YAML.
    """
    text = decode(source)
    document = parse(text)
    document.report.raise_if_any()
    before = _find(document, route)
    weights = new_weights(before.weights, asked)
    changed = [name for name in weights if weights[name] != before.weights[name]]
    places = {_place(document, before, name): weights[name] for name in changed}
    found = [
        (_replacement(text, place, new), index_of(text, place))
        for place, new in sorted(places.items())
    ]
    edited = _apply(text, found)
    _verify(document, edited, before, weights)
    mark = BYTE_ORDER_MARK if source.startswith(BYTE_ORDER_MARK) else b""
    after = _find(parse(edited), route)
    return Edit(
        text=mark + edited.encode(),
        before=before,
        after=after,
        replacements=tuple(replacement for replacement, _ in found),
    )


def _find(document: Document, name: str) -> WrittenRoute:
    routes = routes_of(document)
    named = [route for route in routes if route.name == name]
    if not named:
        hint = Guess().hint(name, [route.name for route in routes], kind="routes")
        raise Refusal(f"there is no route {quoted(name)}", hint)
    if len(named) > 1:
        raise Refusal(f"there are {len(named)} routes {quoted(name)}", "give them different names")
    if not named[0].weights:
        raise Refusal(
            f"route {quoted(name)} has one backend and no split",
            f"write, in place of its backend: split: {{{named[0].backend}: rest, NEW: 0}}",
        )
    return named[0]


def _place(document: Document, route: WrittenRoute, backend: str) -> Place:
    return document.report.marks.values["routes", route.index, "split", backend]


def _replacement(text: str, place: Place, new: Weight) -> Replacement:
    found = _WRITTEN.match(text, index_of(text, place))
    line, column = place
    if found is None:
        raise Refusal(f"the weight at line {line}, column {column} is not written plainly")
    written = REST if new == REST else percent(new)
    return Replacement(line=line, column=column, old=found[0], new=written)


def _apply(text: str, found: list[tuple[Replacement, int]]) -> str:
    parts: list[str] = []
    end = 0
    for replacement, start in found:
        parts += [text[end:start], replacement.new]
        end = start + len(replacement.old)
    return "".join([*parts, text[end:]])


def _verify(
    document: Document, edited: str, route: WrittenRoute, weights: Mapping[str, Weight]
) -> None:
    """See that the new text means what was asked for, and that nothing else means another thing."""
    old, new = deepcopy(document.data), parse(edited).data
    meant = {name: weight(value) for name, value in _split(new, route.index).items()}
    _split(old, route.index).clear()
    _split(new, route.index).clear()
    if meant != dict(weights) or old != new:
        raise Refusal("the split is written in a way that cannot be edited safely")


def _split(data: Value, index: int) -> dict[str, Value]:
    routes = data.get("routes") if isinstance(data, dict) else None
    route = routes[index] if isinstance(routes, list) else None
    split = route.get("split") if isinstance(route, dict) else None
    if not isinstance(split, dict):
        raise Refusal("the split is not where it was")
    return split
