"""Which patterns take every path of some kind, where it can be told from how they are written.

Only what is surely so is said: a pattern that ends in ``.*`` or ``(/.*)?`` takes whatever follows,
if the part before that is what the other paths begin with.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from gateway.routing.pattern import PatternError, Patterns

_ANYTHING, _BELOW = ".*", "(/.*)?"
_LITERAL = re.compile(r"\^?([A-Za-z0-9/_~!&'=:@,%-]*)")
_REPEATS = frozenset("*+?{")
_ESCAPED = re.compile(r"\\.")
_CLASS = re.compile(r"\[\^?\]?[^\]]*\]")


class Covering:
    """Some patterns; each question is one pass over all of them."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._anything = _Heads(patterns, _ANYTHING, whole=False)
        self._below = _Heads(patterns, _BELOW, whole=True)

    def below(self, prefix: str) -> set[int]:
        """The indexes of those that match all that ``path_prefix: prefix`` does."""
        prefix = prefix.rstrip("/")
        ends = [len(prefix), *(at.start() for at in re.finditer("/", prefix))]
        found = self.beginning(prefix)
        for end in ends:
            found.update(self._below.matching(prefix[:end]))
        return found

    def beginning(self, text: str) -> set[int]:
        """The indexes of those that match all paths that begin with `text`."""
        return set(self._anything.matching(text))


def literal_beginning(pattern: str) -> str:
    """Characters that whatever `pattern` matches begins with."""
    found = _LITERAL.match(pattern)
    if found is None or _is_alternation(pattern):
        return ""
    written = found[1]
    return written[:-1] if pattern[found.end() : found.end() + 1] in _REPEATS else written


class _Heads:
    """What stands before a tail, in those patterns that end in it."""

    def __init__(self, patterns: Sequence[str], tail: str, *, whole: bool) -> None:
        found = [(index, _head(pattern, tail)) for index, pattern in enumerate(patterns)]
        heads = [(index, head) for index, head in found if head is not None]
        self._indexes = [index for index, _ in heads]
        try:
            self._patterns = Patterns([head for _, head in heads], whole=whole) if heads else None
        except PatternError:
            self._patterns = None  # too large together, which is a problem reported elsewhere

    def matching(self, text: str) -> Iterator[int]:
        if self._patterns is not None:
            for place in self._patterns.matching(text.encode()):
                yield self._indexes[place]


def _head(pattern: str, tail: str) -> str | None:
    """What stands before `tail`; None if the pattern does not simply go on to it."""
    if not pattern.endswith(tail) or "\\Q" in pattern or _is_alternation(pattern):
        return None
    head = pattern.removesuffix(tail)
    backslashes = len(head) - len(head.rstrip("\\"))
    return None if backslashes % 2 else head


def _is_alternation(pattern: str) -> bool:
    """Whether a ``|`` stands outside of all brackets."""
    bare = _CLASS.sub("", _ESCAPED.sub("", pattern))
    depth = 0
    for character in bare:
        depth += (character == "(") - (character == ")")
        if character == "|" and depth == 0:
            return True
    return False
