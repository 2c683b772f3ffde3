"""Differences as they are found: where exactly, what kind, and what either side says."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from gateway.parallel_run.compare.json_values import plain
from gateway.parallel_run.comparison import LONGEST_SHOWN, Kind, Mismatch

Step = str | int
Location = tuple[Step, ...]
DOCUMENTS = frozenset({"json", "form", "sse", "call"})
"""Parts that are compared as JSON is, and have JSONPaths."""
MOST_FOUND = 200
"""Of one comparison. Two documents that have nothing in common differ everywhere; the first two
hundred places tell as much."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference, before any rule has been asked."""

    part: str
    """``status``, ``header``, ``image``, ``text``, ``html``, ``body``, or one of `DOCUMENTS`."""
    location: Location
    """Within the part; of a document as RFC 9535's normalized paths have it."""
    kind: Kind
    control: object
    candidate: object

    @property
    def place(self) -> str:
        """The same for the same kind of difference: items of a list are all ``[*]``."""
        if self.part in DOCUMENTS:
            return f"{self.part}:${''.join(map(_written, self.location))}"
        return ":".join([self.part, *map(str, self.location)])


class Absent:
    """Stands for what one side does not have."""

    def __repr__(self) -> str:
        return ""


ABSENT = Absent()


Covers = Callable[[Difference], str]
"""The rule that says that a difference does not matter; empty if it does."""
_Key = tuple[str, Kind, str]


class Findings:
    """Differences by place and kind, each with the rule that covers it; bounded in number."""

    __slots__ = ("_covers", "_first", "_times", "looks", "omitted")

    def __init__(self, covers: Covers) -> None:
        """Ask `covers` about each difference as it is found: whatever a rule covers is free."""
        self._covers = covers
        self._first: dict[_Key, Difference] = {}
        self._times: dict[_Key, int] = {}
        self.omitted = 0
        """Differences that no rule covers, at places for which there was no room."""
        self.looks: Mapping[str, float] | None = None
        """As a `Comparison` has them."""

    def add(self, difference: Difference) -> None:
        """Take one more."""
        rule = self._covers(difference)
        key = difference.place, difference.kind, rule
        if key in self._first:
            self._times[key] += 1
        elif len(self._first) < MOST_FOUND:
            self._first[key], self._times[key] = difference, 1
        elif not rule:
            self.omitted += 1

    def mismatches(self) -> tuple[Mismatch, ...]:
        """What no rule covers."""
        return tuple(mismatch for mismatch, rule in self._all() if not rule)

    def ignored(self) -> tuple[tuple[Mismatch, str], ...]:
        """What a rule covers, with the rule."""
        return tuple((mismatch, rule) for mismatch, rule in self._all() if rule)

    def _all(self) -> Iterator[tuple[Mismatch, str]]:
        for key, difference in self._first.items():
            place, kind, rule = key
            mismatch = Mismatch(
                place=place,
                kind=kind,
                control=shown(difference.control),
                candidate=shown(difference.candidate),
                times=self._times[key],
            )
            yield mismatch, rule


def shown(value: object) -> str:
    """A value as people read it, on one line and not too long."""
    if isinstance(value, Absent):
        return ""
    if isinstance(value, bytes):
        text = value.decode("utf-8", "backslashreplace")
    elif isinstance(value, str):
        text = value
    else:
        text = json.dumps(value, ensure_ascii=False, default=plain)
    if not text.isprintable():
        text = "".join(each if each.isprintable() else f"\\x{ord(each):02x}" for each in text)
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"


def _written(step: Step) -> str:
    if isinstance(step, int):
        return "[*]"
    if step.isidentifier():
        return f".{step}"
    return f"[{json.dumps(step, ensure_ascii=False)}]"
