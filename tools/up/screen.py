"""What people see: each line with the name of who says it in front."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Iterable, Mapping
from typing import TextIO

_COLOURS = ("33", "35", "36")  # yellow, magenta, cyan: readable on dark and on light
_BOLD = "1"


def wants_colour(environ: Mapping[str, str], *, is_terminal: bool) -> bool:
    """Whether to colour: on a terminal that can, unless ``NO_COLOR`` has any value."""
    return is_terminal and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


def printable(text: str) -> str:
    """The text without anything that a terminal would obey: a log may quote a stranger."""
    return "".join(c if c.isprintable() or c == "\t" else "\N{REPLACEMENT CHARACTER}" for c in text)


class Screen:
    """Lines of the programs and the banner to standard output, our own talk to standard error.

    Args:
        names: Of all programs, for the width of the column and their colours.
        is_coloured: Whether names and headings are coloured.

    Attributes:
        is_gone: Whether nobody reads it any more: a closed terminal, a pipe into ``head``.
    """

    def __init__(self, names: Iterable[str], *, is_coloured: bool) -> None:
        self.is_gone = False
        self._is_coloured = is_coloured
        self._fronts: dict[str, str] = {}
        names = tuple(names)
        width = max(map(len, names))
        for index, name in enumerate(names):
            colour = _COLOURS[index % len(_COLOURS)]
            self._fronts[name] = self._painted(f"{name:<{width}} |", colour) + " "

    def look(self) -> None:
        """See whether anybody still reads: a reader may leave when there is nothing to write."""
        try:
            waiting = select.poll()
            # Nothing is asked for; that the other end of a pipe is closed is told all the same.
            waiting.register(sys.stdout.fileno(), 0)
            self.is_gone = self.is_gone or any(e & select.POLLERR for _, e in waiting.poll(0))
        except (OSError, ValueError):
            # Standard output is no descriptor that could be asked: then only writing tells.
            return

    def line(self, name: str, text: str) -> None:
        """Show a line that a program has written."""
        self._write(f"{self._fronts[name]}{printable(text)}\n", sys.stdout)

    def banner(self, text: str) -> None:
        """Show the banner, its first line of text in bold."""
        head, separator, rest = text.lstrip("\n").partition("\n")
        self._write(f"\n{self._painted(head, _BOLD)}{separator}{rest}", sys.stdout)

    def say(self, text: str) -> None:
        """Say something of our own."""
        self._write(f"{self._painted('up:', _BOLD)} {text}\n", sys.stderr)

    def _painted(self, text: str, colour: str) -> str:
        return f"\033[{colour}m{text}\033[0m" if self._is_coloured else text

    def _write(self, text: str, stream: TextIO) -> None:
        try:
            stream.write(text)
            stream.flush()
        except OSError:
            self.is_gone = True
            # What is left in the buffer would fail once more when the interpreter ends.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
