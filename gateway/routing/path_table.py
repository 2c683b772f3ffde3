"""Look-ups by path: exact ones, patterns, prefixes of whole segments."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.routing.entry import Entry
from gateway.routing.pattern import Patterns
from gateway.wire.messages import RequestHead


class PathTable:
    """The entries of one host (or of any), by their paths.

    Entries of one path are linked by `Entry.otherwise` in order of rank, and the last of a prefix
    to the first of the next shorter one: one look-up, and no more unless conditions fail.
    """

    __slots__ = ("_exact", "_longest_prefix", "_patterns", "_prefixes", "_regex", "entries")

    def __init__(self, entries: list[Entry]) -> None:
        self.entries = entries
        ranked = sorted(entries, key=lambda entry: entry.rank)
        self._exact = _linked((e.match.path, e) for e in ranked if e.match.path is not None)
        self._prefixes = _linked(
            (e.match.path_prefix.rstrip("/"), e) for e in ranked if e.match.path_prefix is not None
        )
        self._longest_prefix = max(map(len, self._prefixes), default=0)
        for path, first in self._prefixes.items():
            if path:
                _chain(first)[-1].otherwise = self._shorter(path)
        self._regex = [e for e in ranked if e.match.path_regex is not None]
        texts = [e.match.path_regex or "" for e in self._regex]
        self._patterns = Patterns(texts) if texts else None

    def find(self, head: RequestHead, path: bytes) -> Entry | None:
        """The entry that takes a request with this canonical path; None if none does."""
        entry = self._exact.get(path)
        while entry is not None:
            if entry.is_open or entry.holds(head):
                return entry
            entry = entry.otherwise
        if self._patterns is not None:
            for index in self._patterns.matching(path):
                entry = self._regex[index]
                if entry.is_open or entry.holds(head):
                    return entry
        longest = self._longest_prefix
        # A path begins with a slash, or is the one character "*": there is always a place to cut.
        cut = path if len(path) <= longest else path[: path.rfind(b"/", 0, longest + 1)]
        entry = self._prefixes.get(cut) or self._shorter(cut)
        while entry is not None and not entry.is_open and not entry.holds(head):
            entry = entry.otherwise
        return entry

    def _longest(self, path: bytes) -> Entry | None:
        """The first entry of the longest prefix of `path` that there is."""
        longest = self._longest_prefix
        cut = path if len(path) <= longest else path[: path.rfind(b"/", 0, longest + 1)]
        return self._prefixes.get(cut) or self._shorter(cut)

    def _shorter(self, prefix: bytes) -> Entry | None:
        """The first entry of the longest prefix that is shorter than `prefix`.

        A path of 8,000 slashes costs no more look-ups than the routes are deep: it was cut at the
        longest of all prefixes.
        """
        while prefix:
            prefix = prefix[: prefix.rfind(b"/")]
            entry = self._prefixes.get(prefix)
            if entry is not None:
                return entry
        return None

    def candidates(self, path: bytes) -> list[Entry]:
        """Entries whose path condition holds for a canonical `path`, in order of precedence."""
        found = _chain(self._exact.get(path))
        if self._patterns is not None:
            found += [self._regex[index] for index in self._patterns.matching(path)]
        return found + _chain(self._longest(path))


def _linked(ranked: Iterable[tuple[str, Entry]]) -> dict[bytes, Entry]:
    """Path -> its first entry, which leads to the others."""
    firsts: dict[bytes, Entry] = {}
    lasts: dict[bytes, Entry] = {}
    for text, entry in ranked:
        path = text.encode()
        if path in lasts:
            lasts[path].otherwise = entry
        else:
            firsts[path] = entry
        lasts[path] = entry
    return firsts


def _chain(first: Entry | None) -> list[Entry]:
    found: list[Entry] = []
    while first is not None:
        found.append(first)
        first = first.otherwise
    return found
