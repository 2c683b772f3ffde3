"""Declared rules, asked of a difference once it has been found.

Answers that are equal ask no rule at all. A path of names, indices and wildcards is matched against
the difference's own location; any other is looked up in both documents, once a comparison.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import Any

import jsonpath_rfc9535

from gateway.json_path import JsonPath, JsonPathError
from gateway.parallel_run.compare.findings import DOCUMENTS, Difference, Location, Step
from gateway.parallel_run.compare.json_diff import is_number
from gateway.parallel_run.compare.normalised import is_same_form
from gateway.parallel_run.comparison import Kind
from gateway.parallel_run.plan import Normalise, Place, Rules, Tolerate

_Steps = tuple[Step | None, ...]
"""None stands for a wildcard."""
_VALUES = frozenset({Kind.VALUE, Kind.TYPE})


class PathError(ValueError):
    """Text that is no JSONPath, or one that hides everything."""


def check_path(text: str) -> None:
    """See that a rule's path can be used.

    Raises:
        PathError: It is no JSONPath (RFC 9535), or it covers a whole document.
    """
    _compiled(text)
    steps = _simple(text)
    if steps is not None and all(step is None for step in steps):
        raise PathError(f"{text} covers everything: nothing would be compared any more")
    hides_all = re.fullmatch(r"\$(\.\.(\*|\[\*\]))+.*", text)
    if hides_all or any(_hides(text, document) for document in _ANY_DOCUMENTS):
        raise PathError(f"{text} covers everything: nothing would be compared any more")


_VALUES_OF_ALL_TYPES = ("figueira", 7, 0.5, True, False, None)
_ANY_DOCUMENTS: tuple[list[Any] | dict[str, Any], ...] = (
    list(_VALUES_OF_ALL_TYPES),
    {f"figueira-{index}": value for index, value in enumerate(_VALUES_OF_ALL_TYPES)},
)
"""A list and an object with nothing in particular in them, that no sensible path is about."""


def _hides(text: str, document: list[Any] | dict[str, Any]) -> bool:
    """Whether a path leads to every member of a document, by a slice or a filter."""
    found = {node.location[:1] for node in _compiled(text).find(document)}
    return () in found or len(found) == len(_VALUES_OF_ALL_TYPES)


class Ruling:
    """The rules of a run, asked about the differences of one comparison."""

    def __init__(self, rules: Rules, aliases: Mapping[str, str]) -> None:
        """Rule by what is declared; `aliases` is the candidate's id -> the control's."""
        self.rules = rules
        self._aliases = aliases
        self.documents: Sequence[Any] = ()
        """What JSONPaths are looked up in, once it is there; none for other bodies."""
        self._found: dict[str, frozenset[Location]] = {}

    def covers(self, difference: Difference) -> str:
        """The rule that says that this difference does not matter; empty if it does."""
        for rule in self.rules.ignore:
            if self._is_at(rule.place, difference):
                return f"ignore {rule.place}"
        if difference.kind in _VALUES:
            for normalise in self.rules.normalise:
                if self._is_at(normalise.place, difference) and self._is_same_form(
                    normalise, difference
                ):
                    return f"normalise {normalise.place} to {normalise.to}"
            for tolerate in self.rules.tolerate:
                if self._is_at(tolerate.place, difference) and _is_near(tolerate, difference):
                    return f"tolerate {tolerate.place}"
        return ""

    def is_unordered(self, location: Location) -> bool:
        """Whether the order of the list at `location` says nothing."""
        return any(
            place.json and location in self._locations(place.json, location)
            for place in self.rules.unordered
        )

    def _is_same_form(self, rule: Normalise, difference: Difference) -> bool:
        sides = _text(difference.control), _text(difference.candidate)
        return is_same_form(rule.to, *sides, self._aliases)

    def _is_at(self, place: Place, difference: Difference) -> bool:
        if place.header:
            return difference.part == "header" and difference.location == (place.header,)
        if place.html:
            where = str(difference.location[0]) if difference.location else ""
            return difference.part == "html" and f"{where}/".startswith(f"{place.html}/")
        if difference.part not in DOCUMENTS:
            return False
        return self._is_below(place.json, difference.location)

    def _is_below(self, path: str, location: Location) -> bool:
        steps = _simple(path)
        if steps is not None:
            return len(steps) <= len(location) and _matches(steps, location[: len(steps)])
        found = self._locations(path, location)
        return any(location[:length] in found for length in range(len(location) + 1))

    def _locations(self, path: str, location: Location) -> frozenset[Location]:
        """Where a path leads; of a simple one, whether that is `location`."""
        steps = _simple(path)
        if steps is not None:
            is_it = len(steps) == len(location) and _matches(steps, location)
            return frozenset({location}) if is_it else frozenset()
        if path not in self._found:
            query = _compiled(path)
            self._found[path] = frozenset(
                node.location for document in self.documents for node in query.find(document)
            )
        return self._found[path]


def _is_near(rule: Tolerate, difference: Difference) -> bool:
    control, candidate = difference.control, difference.candidate
    if difference.part == "header":
        control, candidate = _number(control), _number(candidate)
    if not (isinstance(control, int | float) and isinstance(candidate, int | float)):
        return False
    if not (is_number(control) and is_number(candidate)):
        return False
    # As they are written: 1.01 is not more than 0.01 away from 1.00.
    ours, theirs = Decimal(str(control)), Decimal(str(candidate))
    allowed = max(Decimal(str(rule.absolute)), Decimal(str(rule.relative)) * abs(ours))
    return abs(ours - theirs) <= allowed


def _number(value: object) -> float | None:
    text = _text(value)
    try:
        return float(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _text(value: object) -> object:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _matches(steps: _Steps, location: Location) -> bool:
    return all(step is None or step == at for step, at in zip(steps, location, strict=True))


@cache
def _simple(text: str) -> _Steps | None:
    """The steps of a path that needs no look-up; None of any other."""
    try:
        steps = JsonPath(text).steps
    except JsonPathError:
        return None
    # Which item an index from the end means depends on the list.
    is_fixed = all(not isinstance(step, int) or step >= 0 for step in steps)
    return steps if is_fixed else None


@cache
def _compiled(text: str) -> jsonpath_rfc9535.JSONPathQuery:
    try:
        return jsonpath_rfc9535.compile(text)
    except jsonpath_rfc9535.JSONPathError as error:
        raise PathError(f"{text} is no JSONPath: {error}") from None
