"""Markdown tables, wide enough to be read in a terminal as well."""

from __future__ import annotations

from collections.abc import Sequence

from bench.results import Rounds
from bench.rounds import median_of
from bench.targets import digits


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table with columns in line; the first is text, the others are to the right.

    Raises:
        ValueError: A row has another number of cells than there are heads.
    """
    columns = list(zip(heads, *rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    rule = [f":{'-' * (widths[0] - 1)}", *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join(_line(row, widths) for row in (heads, rule, *rows))


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first = cells[0].ljust(widths[0])
    others = [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)]
    return "| " + " | ".join([first, *others]) + " |"


def median_cell(values: Rounds) -> str:
    """The median of the rounds, and between which values they lay."""
    middle = median_of(values)
    if middle is None:
        return "failed"
    present = [value for value in values if value is not None]
    if len(present) == 1:
        return digits(middle)
    return f"{digits(middle)} ({digits(min(present))} to {digits(max(present))})"
