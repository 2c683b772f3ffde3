"""A small part of JSONPath (RFC 9535): members, items and wildcards, one after the other.

Filters, slices and descendants are left out: what such a path costs depends on what a backend
sends. These cost a look-up a step, and a wildcard what it finds.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Final

MAX_CHARACTERS = 200
MAX_STEPS = 16
"""Deeper than what anybody has to look for."""
_LAST_INDEX = 2**31 - 1


class _Every(Enum):
    """The step of a wildcard."""

    EVERY = "*"


_EVERY: Final = _Every.EVERY
_Step = str | int | _Every

_STEP = re.compile(
    r"""
    \.(?P<name>[A-Za-z_\u0080-\ud7ff\ue000-\U0010ffff][0-9A-Za-z_\u0080-\ud7ff\ue000-\U0010ffff]*)
    | \['(?P<single>[^'\\\x00-\x1f]*)'\]
    | \["(?P<double>[^"\\\x00-\x1f]*)"\]
    | \[(?P<index>0|-?[1-9][0-9]{0,9})\]
    | (?P<every>\.\*|\[\*\])
    """,
    re.VERBOSE,
)
_PLAIN_NAME = re.compile(r"[ !#-.0-\[\]-~]+")  # ASCII that JSON has no reason to escape
_NOT_HERE = (
    ("..", "descendants (..) are not supported", "write the whole path"),
    ("[?", "filters are not supported", "write the whole path"),
    (".", "a name follows a dot", "names with other characters: $['a-b']"),
)


class JsonPathError(ValueError):
    """Text that is no path, or one of a kind that is not supported."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class JsonPath:
    """A path from the root of a JSON value, ready to be followed."""

    __slots__ = ("_only", "_steps", "needle", "text")

    def __init__(self, text: str) -> None:
        """Compile `text`, like ``$.error`` or ``$.items[*]['created-at']``.

        Raises:
            JsonPathError: It cannot be understood.
        """
        self.text = text
        self._steps = _parse(text)
        step = self._steps[0] if len(self._steps) == 1 else None
        self._only = step if isinstance(step, str) else None
        """The one member that is asked for, as most times."""
        self.needle = _needle(self._steps)
        """Bytes without which a text in JSON that has no backslash cannot hold such a path."""

    @property
    def steps(self) -> tuple[str | int | None, ...]:
        """Names and indices from the root on; None for a wildcard."""
        return tuple(None if step is _EVERY else step for step in self._steps)

    def find(self, value: object) -> list[object]:
        """Every value that the path leads to, in document order.

        Args:
            value: What a JSON decoder made of the text.
        """
        if self._only is not None:
            if isinstance(value, dict) and self._only in value:
                return [value[self._only]]
            return []
        found = [value]
        for step in self._steps:
            found = [each for one in found for each in _children(one, step)]
        return found


def _children(value: object, step: _Step) -> list[object]:
    if isinstance(value, dict):
        if step is _EVERY:
            return list(value.values())
        return [value[step]] if step in value else []
    if isinstance(value, list) and not isinstance(step, str):
        if step is _EVERY:
            return value
        return [value[step]] if -len(value) <= step < len(value) else []
    return []


def _needle(steps: tuple[_Step, ...]) -> bytes:
    """The longest name that JSON writes as it is, in quotes; empty if there is none."""
    names = [step for step in steps if isinstance(step, str) and _PLAIN_NAME.fullmatch(step)]
    return f'"{max(names, key=len)}"'.encode() if names else b""


def _parse(text: str) -> tuple[_Step, ...]:
    if len(text) > MAX_CHARACTERS:
        raise JsonPathError(f"a path has at most {MAX_CHARACTERS} characters")
    if not text.startswith("$"):
        raise JsonPathError("a path begins at the root, $", f"write $.{text}" if text else "")
    steps: list[_Step] = []
    position = 1
    while position < len(text):
        step = _STEP.match(text, position)
        if step is None:
            raise _misfit(text, position)
        steps.append(_read(step))
        position = step.end()
    if len(steps) > MAX_STEPS:
        raise JsonPathError(f"a path has at most {MAX_STEPS} steps")
    return tuple(steps)


def _read(step: re.Match[str]) -> _Step:
    kind = step.lastgroup
    if kind == "every":
        return _EVERY
    if kind == "index":
        index = int(step["index"])
        if abs(index) > _LAST_INDEX:
            raise JsonPathError(f"no list has an item {index}")
        return index
    return str(step[kind or 0])


def _misfit(text: str, position: int) -> JsonPathError:
    rest = text[position:]
    for start, message, hint in _NOT_HERE:
        if rest.startswith(start):
            return JsonPathError(f"{message}, at character {position + 1}", hint)
    return JsonPathError(
        f"this does not continue a path, at character {position + 1}",
        "steps are .name, ['name'], [0], [*] and .*",
    )
