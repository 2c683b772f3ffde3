"""The impact of a change, for people: on a terminal, and as Markdown for a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from gateway.cli.ink import Ink
from gateway.config.wording import plural
from gateway.whatif.distinct import Count
from gateway.whatif.impact import Example, Impact, Move, Undecidable

_FEW = 3
"""Examples that people are shown of each row."""
_COLUMNS = ("route", "from", "to", "requests", "writes", "existing", "customers")
_TEXT_COLUMNS = 3
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~])")


def headline(impact: Impact) -> str:
    """What happens, in one sentence."""
    if not impact.requests:
        return "No recorded request could be put before the two files."
    if not impact.moved:
        surely = "No" if impact.is_certain else "As far as the record tells, no"
        return f"{surely} request of {impact.requests:,} would move."
    parts = [
        f"{impact.moved:,} of {plural(impact.requests, 'request')} "
        f"({impact.moved_percent:g} %) would move"
    ]
    if impact.writes_moved:
        parts.append(
            f"{impact.writes_moved:,} of them {'writes' if impact.writes_moved > 1 else 'a write'}"
        )
    if impact.customers_moved.count:
        of = f" of {_count(impact.customers)}" if impact.customers.count else ""
        parts.append(f"{_count(impact.customers_moved)}{of} customers")
    if impact.undecidable_requests:
        parts.append(f"and {plural(impact.undecidable_requests, 'more request')} may")
    return f"{', '.join(parts)}."


def warnings(impact: Impact) -> Iterator[str]:
    """What an operator should look at before anything else."""
    if impact.newly_refused:
        count = sum(move.requests for move in impact.newly_refused)
        yield f"{plural(count, 'request')} would newly be refused by the gateway itself."
    if impact.existing_moved:
        yield (
            f"{plural(impact.existing_moved, 'request')} to existing resources would move to a "
            "side that may not have them."
        )
    if impact.is_refused:
        yield (
            f"The gateway would refuse this change: it moves more than safety.max_moved "
            f"({impact.max_moved_percent:g} %)."
        )


def text(impact: Impact, ink: Ink) -> Iterator[str]:
    """Lines for a terminal."""
    yield ink("bold", headline(impact))
    yield from (ink("red", f"! {warning}") for warning in warnings(impact))
    sections: tuple[tuple[str, Sequence[Move]], ...] = (
        ("moved", impact.moves),
        ("newly refused", impact.newly_refused),
        ("newly taken", impact.newly_taken),
        ("by another route, to the same backend (not counted as moved)", impact.rerouted),
    )
    for title, moves in sections:
        if moves:
            yield ""
            yield ink("bold", title)
            yield from _moves(moves, ink)
    if impact.undecidable:
        yield ""
        count = plural(impact.undecidable_requests, "request")
        yield ink("yellow", f"undecidable from this record: {count}")
        for row in impact.undecidable:
            yield f"  missing {', '.join(row.missing)}: {_open(row)}"
            yield ink("dim", f"    {_examples(row.examples)}")
    yield from _rest(impact)


def _moves(moves: Sequence[Move], ink: Ink) -> Iterator[str]:
    rows = [list(_COLUMNS), *(_cells(move) for move in moves)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for number, row in enumerate(rows):
        yield "  " + "  ".join(
            cell.ljust(width) if place < _TEXT_COLUMNS else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        if number:
            yield ink("dim", f"    {_examples(moves[number - 1].examples)}")


def _cells(move: Move) -> list[str]:
    is_other = move.route and move.new_route and move.new_route != move.route
    route = f"{move.route} > {move.new_route}" if is_other else move.route or move.new_route
    numbers = (f"{number:,}" for number in (move.requests, move.writes, move.existing))
    return [route, move.source, move.target, *numbers, _count(move.customers)]


def _count(count: Count) -> str:
    return f"{count.count:,}" if count.is_exact else f"about {count.count:,}"


def _open(row: Undecidable) -> str:
    routes = ", ".join(route or "none" for route in row.routes)
    return f"{plural(row.requests, 'request')}, {plural(row.writes, 'write')} (route {routes})"


def _examples(examples: Iterable[Example]) -> str:
    few = list(examples)[:_FEW]
    return "; ".join(_printable(f"{each.method} {each.path} ({each.place})") for each in few)


def _printable(text: str) -> str:
    """Nothing that a terminal would obey, and one line."""
    return text if text.isprintable() else text.encode("unicode_escape").decode()


def _rest(impact: Impact) -> Iterator[str]:
    lines = list(_remarks(impact))
    if lines:
        yield ""
        yield from lines


def _remarks(impact: Impact) -> Iterator[str]:
    if impact.dead_routes:
        names = ", ".join(
            f"{each.route} ({each.before:,} before)" if each.before else each.route
            for each in impact.dead_routes
        )
        yield f"routes that no recorded request takes: {names}"
    if impact.never_routed:
        yield f"refused before any route was asked: {plural(impact.never_routed, 'request')}"
    unread = impact.unread
    if unread.torn or unread.foreign:
        yield (
            f"lines that are no record: {unread.torn:,} torn, {unread.foreign:,} foreign; "
            f"the first at {_printable(', '.join(unread.first))}"
        )


def markdown(impact: Impact, title: str) -> Iterator[str]:
    """Lines of Markdown; whatever comes from the traffic is escaped."""
    yield f"### {_escaped(title)}"
    yield ""
    yield f"**{headline(impact)}**"
    for warning in warnings(impact):
        yield ""
        yield f"> **Warning:** {_escaped(warning)}"
    sections: tuple[tuple[str, Sequence[Move]], ...] = (
        ("", impact.moves),
        ("Newly refused", impact.newly_refused),
        ("Newly taken", impact.newly_taken),
        ("By another route, to the same backend (not counted as moved)", impact.rerouted),
    )
    for heading, moves in sections:
        if moves:
            yield ""
            if heading:
                yield from (heading, "")
            yield from _markdown_table(moves)
    if impact.undecidable:
        yield ""
        yield f"Undecidable from this record: {plural(impact.undecidable_requests, 'request')}"
        yield ""
        yield "| missing | requests | writes | first |"
        yield "| :-- | --: | --: | :-- |"
        for row in impact.undecidable:
            missing = _escaped(", ".join(row.missing))
            yield f"| {missing} | {row.requests:,} | {row.writes:,} | {_first(row.examples)} |"
    for remark in _remarks(impact):
        yield ""
        yield f"{_escaped(remark[:1].upper() + remark[1:])}."


def _markdown_table(moves: Sequence[Move]) -> Iterator[str]:
    yield f"| {' | '.join(_COLUMNS)} | first |"
    yield "| :-- | :-- | :-- | --: | --: | --: | --: | :-- |"
    for move in moves:
        cells = " | ".join(map(_escaped, _cells(move)))
        yield f"| {cells} | {_first(move.examples)} |"


def _first(examples: Sequence[Example]) -> str:
    """As code: a path may hold what Markdown or a forge would act on, such as a name after @."""
    written = _examples(examples[:1]).replace("`", "%60").replace("|", "\\|")
    return f"`{written}`"


def _escaped(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", text)
