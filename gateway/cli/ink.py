"""Colour, where it is wanted: on a terminal, unless NO_COLOR says otherwise.

https://no-color.org: any value but an empty one. FORCE_COLOR colours what goes into a pipe.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import IO

_CODES = {"bold": "1", "red": "31", "green": "32", "yellow": "33", "cyan": "36", "dim": "2"}
_OF_DIFF = {"-": "red", "+": "green", "@": "cyan"}


class Ink:
    """Colours text, or leaves it as it is."""

    def __init__(self, *, is_on: bool) -> None:
        self.is_on = is_on

    def __call__(self, colour: str, text: str) -> str:
        """`text` in one of bold, dim, red, green, yellow and cyan."""
        return f"\x1b[{_CODES[colour]}m{text}\x1b[0m" if self.is_on and text else text

    def diff(self, lines: Iterable[str]) -> list[str]:
        """Lines of a difference; what is added and removed stands out."""
        return [self._diff_line(printable(line)) for line in lines]

    def _diff_line(self, line: str) -> str:
        colour = _OF_DIFF.get(line[:1])
        return self(colour, line) if colour else line


def printable(text: str) -> str:
    """The text without anything that a terminal would obey; tabs stay."""
    return "".join(c if c.isprintable() or c == "\t" else "\N{REPLACEMENT CHARACTER}" for c in text)


def ink_for(stream: IO[str], environment: Mapping[str, str]) -> Ink:
    """What suits a stream."""
    if environment.get("NO_COLOR"):
        return Ink(is_on=False)
    if environment.get("FORCE_COLOR"):
        return Ink(is_on=True)
    return Ink(is_on=stream.isatty() and environment.get("TERM") != "dumb")
