"""How values and places are shown in problems: short, escaped, in the operator's words."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection
from dataclasses import dataclass

Path = tuple[str | int, ...]
"""Where in the document: keys and list indexes, from the top."""

SHOWN = 60
"""Characters of a value that are shown: enough to find it, too few to flood a terminal."""

FEW = 8
"""Words that a hint may list."""

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


class Refusal(ValueError):  # noqa: N818 - says what happened: one value was refused
    """A value cannot be used. Carries what an operator is told; its place is added by others."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def shorten(text: str) -> str:
    """At most `SHOWN` characters of `text`, with everything unprintable escaped."""
    cut = text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."
    if cut.isprintable():
        return cut
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in cut
    )


def quoted(text: str) -> str:
    """`text` shortened, in double quotes."""
    return f'"{shorten(text)}"'


def path_text(path: Path) -> str:
    """``routes[1].split.legacy``; keys that are not plain words as ``["X A"]``."""
    parts: list[str] = []
    for part in path:
        if isinstance(part, int):
            parts.append(f"[{part}]")
        elif _PLAIN_KEY.fullmatch(part):
            parts.append(f".{shorten(part)}" if parts else shorten(part))
        else:
            parts.append(f"[{quoted(part)}]")
    return "".join(parts)


@dataclass(slots=True)
class Guess:
    """What a misspelt word was meant to be; gives up when a file has too many of them."""

    comparisons: int = 20_000
    """Comparisons left, about 10 us each: a hostile file must not cost minutes."""

    def nearest(self, word: str, known: Collection[str]) -> str | None:
        """The known word that is most like `word`; None if none is like it."""
        self.comparisons -= len(known)
        if len(word) > SHOWN or self.comparisons < 0:
            return None
        return next(iter(difflib.get_close_matches(word, known, n=1)), None)

    def hint(self, word: str, known: Collection[str], *, kind: str) -> str:
        """``did you mean "weight"?``, else the known words if they are few, else nothing."""
        return hint_of(self.nearest(word, known), known, kind=kind)


def hint_of(meant: str | None, known: Collection[str], *, kind: str) -> str:
    """The hint for a word that is not among the `known`, when `meant` is the nearest of them."""
    if meant is not None:
        return f"did you mean {quoted(meant)}?"
    shown = ", ".join(map(shorten, sorted(known)))
    return f"known {kind}: {shown}" if 0 < len(known) <= FEW else ""


def plural(count: int, noun: str) -> str:
    """``1 problem``, ``1,024 problems``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
