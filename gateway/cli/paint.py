"""Colours on a terminal, and nowhere else unless somebody asks for them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping

_RED, _GREEN, _CYAN, _BOLD, _DIM = "31", "32", "36", "1", "2"
_OF_DIFF = {"-": _RED, "+": _GREEN, "@": _CYAN}


def wants_colour(environ: Mapping[str, str], *, is_terminal: bool) -> bool:
    """Whether to colour: NO_COLOR with any value forbids it, FORCE_COLOR asks for it."""
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return True
    return is_terminal and environ.get("TERM") != "dumb"


def printable(text: str) -> str:
    """The text without anything that a terminal would obey; tabs stay."""
    return "".join(c if c.isprintable() or c == "\t" else "\N{REPLACEMENT CHARACTER}" for c in text)


class Paint:
    """Paints for one stream."""

    def __init__(self, *, is_on: bool) -> None:
        self._is_on = is_on

    @classmethod
    def for_stdout(cls) -> Paint:
        """As the environment and standard output have it."""
        return cls(is_on=wants_colour(os.environ, is_terminal=sys.stdout.isatty()))

    def bold(self, text: str) -> str:
        """In bold."""
        return self._in(_BOLD, text)

    def dim(self, text: str) -> str:
        """Less conspicuous."""
        return self._in(_DIM, text)

    def bad(self, text: str) -> str:
        """In red."""
        return self._in(_RED, text)

    def diff(self, lines: Iterable[str]) -> list[str]:
        """Lines of a difference; what is added and removed stands out."""
        return [self._diff_line(printable(line)) for line in lines]

    def _diff_line(self, line: str) -> str:
        colour = _OF_DIFF.get(line[:1])
        return self._in(colour, line) if colour else line

    def _in(self, colour: str, text: str) -> str:
        return f"\033[{colour}m{text}\033[0m" if self._is_on else text
