"""Two answers next to each other, the lines that differ alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from gateway.cli.ink import Ink, printable
from gateway.parallel_run.examples import Body, Difference, Example, Side

_CONTEXT = 1
_MOST_ROWS = 12
_MOST_LINES = 400
"""Of a side: aligning takes the square of it."""
Pair = tuple[str, str, bool]
"""The control's line, the candidate's, and whether they differ."""


def side_by_side(example: Example, ink: Ink, width: int) -> Iterator[str]:
    """What was asked, the value at the place, and both bodies' lines around what differs."""
    column = (width - 3) // 2
    request = example.request
    if request is not None:
        yield ink("dim", _cut(f"e.g. {request.method} {request.target}", width))
    sides = _title("control", example.control), _title("candidate", example.candidate)
    if not (_answered(example.control) and _answered(example.candidate)):
        yield from (_cut(each, width) for each in sides)
        return
    yield _row(*sides, column)
    place = next((each for each in example.differences if each.place == example.place), None)
    if place is not None:
        yield ink("yellow", _row(*values_at(place), column))
    pairs = changed(example)
    for left, right, differs in pairs[:_MOST_ROWS]:
        yield _row(left, right, column) if differs else ink("dim", _row(left, right, column))
    if len(pairs) > _MOST_ROWS:
        yield ink("dim", f"... and {len(pairs) - _MOST_ROWS} more lines")


def changed(example: Example) -> list[Pair]:
    """Lines of both that differ, each with its neighbours; an empty pair parts distant ones."""
    left, right = _lines(example.control), _lines(example.candidate)
    if not left and not right:
        return []
    found: list[Pair] = []
    for group in SequenceMatcher(None, left, right, autojunk=False).get_grouped_opcodes(_CONTEXT):
        if found:
            found.append(("...", "...", False))
        found += [
            (_at(left, i1 + at, i2), _at(right, j1 + at, j2), tag != "equal")
            for tag, i1, i2, j1, j2 in group
            for at in range(max(i2 - i1, j2 - j1))
        ]
    return found


def _at(lines: Sequence[str], at: int, end: int) -> str:
    return lines[at] if at < end else ""


def values_at(difference: Difference) -> tuple[str, str]:
    """What both sides say at a place, in words where one says nothing."""
    nothing = "(missing)" if difference.kind in {"missing", "extra"} else "-"
    return difference.control or nothing, difference.candidate or nothing


def _answered(side: Side | None) -> bool:
    return side is not None and side.status is not None


def _lines(side: Side | None) -> Sequence[str]:
    """What is shown of a side: its headers, and its body's text."""
    if side is None or side.status is None:
        return []
    head = [f"{name}: {value}" for name, value in side.headers if name.lower() not in _DULL]
    return [*head, *_body(side.body)][:_MOST_LINES]


_DULL = frozenset({"date", "server", "content-length", "connection", "keep-alive", "age"})
"""Headers that differ for their own reasons; the export has them."""


def _body(body: Body | None) -> list[str]:
    if body is None or not body.bytes:
        return []
    if body.picture is not None:
        picture = body.picture
        facts = f"{picture.format} {picture.width} x {picture.height} {picture.mode}"
        return [f"{facts}, {body.bytes:,} bytes", f"bytes {body.token}"]
    return body.text.split("\n") if body.text else [f"{body.bytes:,} bytes {body.token}"]


def _title(role: str, side: Side | None) -> str:
    if side is None:
        return f"{role}: not asked"
    said = f"no answer ({side.failure})" if side.status is None else f"{side.status}"
    return f"{role}: {side.backend}, {said}, {side.duration_s * 1000:,.0f} ms"


def _row(left: str, right: str, column: int) -> str:
    return f"{_cut(left, column).ljust(column)} | {_cut(right, column)}".rstrip()


def _cut(text: str, most: int) -> str:
    shown = printable(text)
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"
