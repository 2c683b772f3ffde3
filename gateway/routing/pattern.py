"""Patterns of whole paths, all of them looked at in one pass.

RE2 reads a path once, whatever the pattern and however many there are: no pattern can make it go
back. What cannot be had that way (look-around, back-references) it does not know, and a pattern
that counts too far for a table of sensible size it refuses.
"""

from __future__ import annotations

from collections.abc import Sequence

import re2  # type: ignore[import-untyped]  # ships no types

PROGRAM_LIMIT = 500
"""Instructions of one pattern: what `[0-9a-f]{32}` takes ten times over. A path costs at most so
many steps for each of its bytes, and a customer may choose the path."""
TOGETHER_LIMIT = 50_000
"""Instructions of all patterns of a file: those of some 2,500 ordinary ones."""
_MEMORY_BYTES, _MEMORY_EACH_BYTES, _MOST_MEMORY_BYTES = 1 << 20, 128 << 10, 32 << 20
"""For what RE2 learns while it reads, beside what each pattern may add, and at most. Patterns at
`TOGETHER_LIMIT` need 5 MiB to begin with; a customer's strange paths can make it use all."""
_PROBE = rb"\x00"
_PROBE_PATH = b"\0"
"""No path has it (`readings` refuses it): it only shows that there was memory enough."""


class PatternError(ValueError):
    """A pattern that cannot be used; the text is RE2's own."""


def _options(memory_bytes: int = _MOST_MEMORY_BYTES) -> object:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False
    options.never_capture = True
    options.max_mem = memory_bytes
    return options


_OPTIONS = _options()


def program_size(pattern: str) -> int:
    """Instructions that a pattern takes.

    Raises:
        PatternError: It is no pattern, or larger than any limit.
    """
    try:
        return int(re2.compile(pattern.encode(), _OPTIONS).programsize)
    except re2.error as error:
        raise PatternError(_text(error)) from None


def first_bytes(pattern: str, count: int) -> tuple[bytes, bytes] | None:
    """Bounds of the first `count` bytes of whatever a pattern matches; None if there are none."""
    try:
        least, most = re2.compile(pattern.encode(), _OPTIONS).possiblematchrange(count)
    except re2.error:
        return None
    return bytes(least), bytes(most)


def _text(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    return said.decode("latin-1") if isinstance(said, bytes) else str(said)


class Patterns:
    """Some patterns, in an order of their own."""

    __slots__ = ("_set",)

    def __init__(self, patterns: Sequence[str], *, whole: bool = True) -> None:
        """Take the patterns in; unless `whole`, they are of how a path begins.

        Raises:
            PatternError: One of them cannot be used, or they are too many together.
        """
        make = re2.Set.FullMatchSet if whole else re2.Set.MatchSet
        memory_bytes = _MEMORY_BYTES + _MEMORY_EACH_BYTES * len(patterns)
        self._set = make(_options(min(memory_bytes, _MOST_MEMORY_BYTES)))
        try:
            for pattern in patterns:
                self._set.Add(pattern.encode())
            probe = self._set.Add(_PROBE)
            self._set.Compile()
        except re2.error as error:
            raise PatternError(_text(error)) from None
        # Where RE2 lacks memory for a table it finds nothing, and does not say so.
        if probe not in (self._set.Match(_PROBE_PATH) or ()):
            raise PatternError("the patterns are too large together")

    def matching(self, path: bytes) -> list[int]:
        """The indexes of the patterns that match `path`, ascending."""
        return sorted(self._set.Match(path) or ())
