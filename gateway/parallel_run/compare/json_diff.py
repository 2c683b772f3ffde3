"""Where two JSON documents differ: values, types, members, items, order.

Equal branches are passed over as they are met, so that the price is that of what differs. Items of
a list are told apart by their ``id`` where they have one: a record that is missing is one
difference then, and not one for each record behind it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import cast

import msgspec

from gateway.parallel_run.compare.findings import ABSENT, Difference, Findings, Location
from gateway.parallel_run.compare.json_values import canonical, is_written_alike, kind_of
from gateway.parallel_run.comparison import Kind

MOST_DEPTH = 100
"""Deeper documents are compared as text: nobody reads such a path."""
_NUMBERS = frozenset({"integer", "number"})

IsUnordered = Callable[[Location], bool]
"""Whether the order of a list's items says nothing."""


class TooDeepError(ValueError):
    """A document goes deeper than `MOST_DEPTH`."""


class JsonDiff:
    """Compares two documents."""

    __slots__ = ("_findings", "_is_unordered", "_part")

    def __init__(self, findings: Findings, is_unordered: IsUnordered, part: str = "json") -> None:
        """Add what is found to `findings`, as of `part`."""
        self._findings = findings
        self._is_unordered = is_unordered
        self._part = part

    def compare(self, control: object, candidate: object, location: Location = ()) -> None:
        """Compare two values.

        Raises:
            TooDeepError: They go too deep.
        """
        if len(location) > MOST_DEPTH:
            raise TooDeepError(f"more than {MOST_DEPTH} levels")
        if isinstance(control, dict) and isinstance(candidate, dict):
            if not _is_alike(control, candidate):
                self._members(control, candidate, location)
        elif isinstance(control, list) and isinstance(candidate, list):
            if not _is_alike(control, candidate):
                self._items(control, candidate, location)
        elif not _is_same(control, candidate):
            kind = Kind.VALUE if kind_of(control) == kind_of(candidate) else Kind.TYPE
            self._add(location, kind, control, candidate)

    def _add(self, location: Location, kind: Kind, control: object, candidate: object) -> None:
        self._findings.add(Difference(self._part, location, kind, control, candidate))

    def _members(
        self, control: dict[str, object], candidate: dict[str, object], location: Location
    ) -> None:
        for name, value in control.items():
            if name in candidate:
                self.compare(value, candidate[name], (*location, name))
            else:
                self._add((*location, name), Kind.MISSING, value, ABSENT)
        for name, value in candidate.items():
            if name not in control:
                self._add((*location, name), Kind.EXTRA, ABSENT, value)

    def _items(self, control: list[object], candidate: list[object], location: Location) -> None:
        is_unordered = self._is_unordered(location)
        ids = _ids(control), _ids(candidate)
        if ids[0] is not None and ids[1] is not None:
            self._records(control, candidate, (ids[0], ids[1]), location)
            if not is_unordered and _is_other_order(ids[0], ids[1]):
                self._add(location, Kind.ORDER, ids[0], ids[1])
            return
        left, right = list(map(canonical, control)), list(map(canonical, candidate))
        if Counter(left) == Counter(right):
            if not is_unordered:
                self._add(location, Kind.ORDER, control, candidate)
        elif is_unordered:
            self._leftovers(control, candidate, (left, right), location)
        else:
            self._in_order(control, candidate, (left, right), location)

    def _records(
        self,
        control: list[object],
        candidate: list[object],
        ids: tuple[list[object], list[object]],
        location: Location,
    ) -> None:
        """Compare items that have an id with their namesakes."""
        theirs = dict(zip(ids[1], enumerate(candidate), strict=True))
        ours = set(ids[0])
        for index, (key, record) in enumerate(zip(ids[0], control, strict=True)):
            if key in theirs:
                self.compare(record, theirs[key][1], (*location, index))
            else:
                self._add((*location, index), Kind.MISSING, record, ABSENT)
        for key, (index, record) in theirs.items():
            if key not in ours:
                self._add((*location, index), Kind.EXTRA, ABSENT, record)

    def _leftovers(
        self,
        control: list[object],
        candidate: list[object],
        texts: tuple[list[bytes], list[bytes]],
        location: Location,
    ) -> None:
        """Compare what has no twin on the other side, wherever it stands."""
        ours = without_twins(texts[0], Counter(texts[1]))
        theirs = without_twins(texts[1], Counter(texts[0]))
        for index, other in zip(ours, theirs, strict=False):
            self.compare(control[index], candidate[other], (*location, index))
        for index in ours[len(theirs) :]:
            self._add((*location, index), Kind.MISSING, control[index], ABSENT)
        for index in theirs[len(ours) :]:
            self._add((*location, index), Kind.EXTRA, ABSENT, candidate[index])

    def _in_order(
        self,
        control: list[object],
        candidate: list[object],
        texts: tuple[list[bytes], list[bytes]],
        location: Location,
    ) -> None:
        """Compare what lies between an equal beginning and an equal end."""
        if len(control) != len(candidate):
            self._add(location, Kind.LENGTH, len(control), len(candidate))
            return
        for index, (left, right) in enumerate(zip(*texts, strict=True)):
            if left != right:
                self.compare(control[index], candidate[index], (*location, index))


def _is_alike(control: object, candidate: object) -> bool:
    """Whether nobody could tell them apart; to Python 1, 1.0 and True are equal."""
    return control == candidate and is_written_alike(control, candidate)


def _is_same(control: object, candidate: object) -> bool:
    if type(control) is not type(candidate):
        return False
    if isinstance(control, msgspec.Raw):
        return bytes(control) == bytes(cast("msgspec.Raw", candidate))
    return control == candidate


def is_number(value: object) -> bool:
    """Whether JSON calls it a number."""
    return kind_of(value) in _NUMBERS


def _ids(items: Sequence[object]) -> list[object] | None:
    """Each item's ``id``; None unless all have one of their own."""
    found = [item.get("id") if isinstance(item, dict) else None for item in items]
    if not all(isinstance(each, str | int) and not isinstance(each, bool) for each in found):
        return None
    return found if len(set(found)) == len(found) else None


def _is_other_order(ours: Sequence[object], theirs: Sequence[object]) -> bool:
    """Whether what both have stands in another order."""
    left, right = set(ours), set(theirs)
    return [each for each in ours if each in right] != [each for each in theirs if each in left]


def without_twins(texts: Sequence[bytes], twins: Counter[bytes]) -> list[int]:
    """The places of items of which the other side has fewer."""
    found = []
    for index, text in enumerate(texts):
        if twins[text]:
            twins[text] -= 1
        else:
            found.append(index)
    return found
