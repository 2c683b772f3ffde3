"""Collects problems, and knows where in the file each belongs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from gateway.config.wording import Guess, Path, path_text, plural
from gateway.errors import Caution, ConfigError, Problem

MAX_PROBLEMS = 200
"""Nobody reads on; a hostile file could otherwise have a megabyte's worth of them."""

_P = TypeVar("_P", bound=Problem)

Place = tuple[int, int]
"""Line and column, both 1-based, in characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """Where every key and every value of the document stands."""

    keys: dict[Path, Place] = field(default_factory=dict)
    values: dict[Path, Place] = field(default_factory=dict)

    def locate(self, loc: Sequence[str | int]) -> Path:
        """The longest path of the document along `loc`; parts that are not in the file are skipped.

        So a missing key leads to its mapping, and the index of a list that was written as its
        only item leads to the item.
        """
        path: Path = ()
        for part in loc:
            if (*path, part) in self.values:
                path = (*path, part)
        return path


@dataclass(slots=True, kw_only=True)
class Report:
    """The problems found so far."""

    marks: Marks
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Caution] = field(default_factory=list)
    """What keeps nothing from working, and surely was not meant."""
    guess: Guess = field(default_factory=Guess)
    spoiled: set[Path] = field(default_factory=set)
    """Values already reported and not understood: what follows from them is not reported."""

    def at_value(self, loc: Sequence[str | int], message: str, hint: str = "") -> None:
        """A value cannot be used: points at the value."""
        path = self.marks.locate(loc)
        self._add(path, self.marks.values.get(path), path_text(path), message, hint)

    def warn_at_value(self, loc: Sequence[str | int], message: str, hint: str = "") -> None:
        """A value has no effect, or another than it seems: points at the value."""
        path = self.marks.locate(loc)
        line, column = self.marks.values[path]
        self.warnings.append(
            Caution(line=line, column=column, path=path_text(path), message=message, hint=hint)
        )

    def at_key(self, loc: Sequence[str | int], message: str, hint: str = "") -> None:
        """A key cannot be used: points at the key, and names the mapping it stands in."""
        path = self.marks.locate(loc)
        place = self.marks.keys.get(path) or self.marks.values.get(path)
        self._add(path, place, path_text(path[:-1]), message, hint)

    def within(self, loc: Sequence[str | int], message: str, hint: str = "") -> None:
        """Something is missing in a mapping: points at the mapping's own key, or its start."""
        path = self.marks.locate(loc)
        place = self.marks.keys.get(path) or self.marks.values.get(path)
        self._add(path, place, path_text(path), message, hint)

    def at_place(self, path: Path, place: Place, message: str, hint: str = "") -> None:
        """Something stands at `place`, inside the value at `path`, that has no path of its own."""
        self._add(path, place, path_text(path), message, hint)

    def line_of(self, loc: Sequence[str | int]) -> int:
        """The line that the value at `loc` begins in."""
        return self.marks.values[self.marks.locate(loc)][0]

    def in_file_order(self) -> list[Problem]:
        """The problems from the file's top to its bottom; those without a place come first.

        At most `MAX_PROBLEMS`, and then one that says how many more there are.
        """
        return _shown(self.problems, Problem, "more problem")

    def warnings_in_file_order(self) -> list[Caution]:
        """As `in_file_order`, of the warnings."""
        return _shown(self.warnings, Caution, "more warning")

    def raise_if_any(self) -> None:
        """Raise what was found, in file order.

        Raises:
            ConfigError: there is a problem.
        """
        if self.problems:
            raise ConfigError(self.in_file_order())

    def _add(self, path: Path, place: Place | None, where: str, message: str, hint: str) -> None:
        if self.spoiled and any(path[:i] in self.spoiled for i in range(len(path) + 1)):
            return
        line, column = place or (None, None)
        self.problems.append(
            Problem(line=line, column=column, path=where, message=message, hint=hint)
        )


def _shown(problems: list[_P], kind: type[_P], what: str) -> list[_P]:
    found = sorted(problems, key=lambda problem: (problem.line or 0, problem.column or 0))
    shown, hidden = found[:MAX_PROBLEMS], len(found) - MAX_PROBLEMS
    if hidden > 0:
        message = f"{plural(hidden, what)} not shown"
        shown.append(kind(line=None, column=None, path="", message=message))
    return shown
