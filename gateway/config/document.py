"""Text -> plain data and the place of every key and value in it.

YAML is far larger than routes.yaml needs. What is kept is mappings with text keys, lists and
scalars; anchors, aliases, merge keys, tags and further documents are refused. libyaml hands over
one event after the other, so whatever is refused costs nothing: no alias is ever followed, and
reading ends at the first value too deep or too many.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn, TypeGuard, cast

import yaml

from gateway.config.report import Marks, Place, Report
from gateway.config.scalars import Scalar, read_plain
from gateway.config.slips import comma_hint, decimal, key_and_value, space_hint
from gateway.config.source import problem_at
from gateway.config.syntax import in_plain_words, place
from gateway.config.wording import Path, quoted, shorten
from gateway.errors import ConfigError, Problem

DEPTH_LIMIT = 32
"""The language itself needs 6."""
NODE_LIMIT = 100_000
"""Keys and values; 5,000 ordinary routes have half as many."""

_COMMA = (1, 2)
"""Characters between the halves of ``5,5``, perhaps with a space behind the comma."""
_A_KEY_AFTER_ALL = (("fallback",), "on")
"""The one word of the language that YAML 1.1 reads as a boolean. Nothing else can be meant here."""
_READABLE = (yaml.ScalarEvent, yaml.CollectionStartEvent)

Value = Scalar | list["Value"] | dict[str, "Value"]

_WHY_NO_ALIAS = "a few of them can stand for millions of values, so each value is written out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A file that is YAML, though it may still be nonsense."""

    data: Value
    """Plain data. Belongs to whoever reads it and may be changed."""
    report: Report
    """Holds the marks, and what was wrong so far."""


def parse(text: str) -> Document:
    """Parse the text of routes.yaml.

    Raises:
        ConfigError: there is nothing to go on with: a syntax error, no content, too deep, too many.
    """
    builder = _Builder(text)
    try:
        data = builder.document()
    except yaml.YAMLError as error:
        raise in_plain_words(error, text) from None
    return Document(data=data, report=builder.report)


def _place(event: yaml.Event) -> Place:
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1) if mark is not None else place(mark)


def _is_plain(event: yaml.Event) -> TypeGuard[yaml.ScalarEvent]:
    """Whether it is a scalar without quotes."""
    return isinstance(event, yaml.ScalarEvent) and event.implicit[0]


class _Builder:
    """Builds plain data from libyaml's events."""

    def __init__(self, text: str) -> None:
        # It gives None only after the stream's end, where reading is over.
        self._next = cast("Callable[[], yaml.Event]", yaml.CSafeLoader(text).get_event)
        self.report = Report(marks=Marks())
        self._keys, self._values = self.report.marks.keys, self.report.marks.values
        self._nodes = 0

    def document(self) -> Value:
        self._next()  # the stream's start
        event = self._next()
        if isinstance(event, yaml.StreamEndEvent):
            self._stop_empty()
        event = self._next()
        data = self._value(event, ())
        if data is None and not self.report.problems:
            self._stop_empty()
        self._next()  # the document's end
        event = self._next()
        if isinstance(event, yaml.DocumentStartEvent):
            line, column = _place(event)
            message = "a second document begins here; routes.yaml is one document"
            self.report.problems.append(
                Problem(line=line, column=column, path="", message=message, hint="remove the ---")
            )
        return data

    def _value(self, event: yaml.Event, path: Path) -> Value:
        self._count(event, len(path))
        self._values[path] = _place(event)
        if not isinstance(event, _READABLE):
            anchor = shorten(getattr(event, "anchor", ""))
            self._spoil(event, path, f"alias *{anchor} is not supported: {_WHY_NO_ALIAS}")
            return None
        if event.tag is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            message = f"tag {shorten(tag)} is not supported: a value is what it is written as"
            self._spoil(event, path, message, "remove it")
            return None
        if event.anchor is not None:
            message = f"anchor &{shorten(event.anchor)} is not supported: {_WHY_NO_ALIAS}"
            self.report.at_value(path, message)
        if isinstance(event, yaml.ScalarEvent):
            return read_plain(event.value) if event.implicit[0] else event.value
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(path)
        return self._list(path)

    def _list(self, path: Path) -> Value:
        items: list[Value] = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            items.append(self._value(event, (*path, len(items))))
        return items

    def _mapping(self, path: Path) -> Value:
        entries: dict[str, Value] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            ahead = self._next() if isinstance(event, yaml.ScalarEvent) else None
            if ahead is not None and self._is_slip(event, ahead, path, entries):
                continue
            key = self._key(event, path, entries)
            value = ahead or self._next()
            if key is None:
                self._skip(value, len(path) + 1)
            else:
                entries[key] = self._value(value, (*path, key))
        return entries

    def _is_slip(
        self, event: yaml.Event, value: yaml.Event, path: Path, entries: dict[str, Value]
    ) -> bool:
        """Report a key without a value that was meant otherwise, and go on as it was meant."""
        if not (_is_plain(event) and _is_plain(value)) or value.value:
            return False
        return self._is_key_and_value(event, path, entries) or self._is_fraction(
            event, path, entries
        )

    def _is_key_and_value(
        self, event: yaml.ScalarEvent, path: Path, entries: dict[str, Value]
    ) -> bool:
        """``{legacy:5}`` is one key to YAML."""
        parts = key_and_value(event.value)
        if parts is None or parts[0] in entries:
            return False
        key, text = parts
        line, column = _place(event)
        self._say(path, event, f"{quoted(event.value)} has no value", space_hint(event.value))
        self._keys[(*path, key)] = (line, column)
        self._values[(*path, key)] = (line, column + len(key) + 1)
        entries[key] = read_plain(text)
        self._nodes += 2
        return True

    def _is_fraction(self, event: yaml.ScalarEvent, path: Path, entries: dict[str, Value]) -> bool:
        """``{legacy: 5,5}`` is a number and a key to YAML."""
        key, before = next(reversed(entries.items()), ("", None))
        if not isinstance(before, int):
            return False
        place = self._values[(*path, key)]
        number = decimal(str(before), event.value)
        line, column = _place(event)
        gap = column - place[1] - len(str(before))
        if number is None or line != place[0] or gap not in _COMMA:
            return False
        message = f"a comma ends a value: {before},{shorten(event.value)} is read as two"
        hint = comma_hint(f"{before},{event.value}")
        self.report.at_value((*path, key), message, hint)
        self.report.spoiled.add((*path, key))
        entries[key] = read_plain(number)
        self._nodes += 2
        return True

    def _key(self, event: yaml.Event, path: Path, entries: dict[str, Value]) -> str | None:
        """The key as text; None if its value is to be passed over."""
        if not isinstance(event, yaml.ScalarEvent):
            self._skip(event, len(path) + 1)
            self._say(path, event, "a key must be text")
            return None
        self._count(event, len(path) + 1)
        if event.anchor is not None or event.tag is not None:
            self._say(path, event, "a key has no anchor and no tag", "remove it")
        key, is_plain = event.value, event.implicit[0]
        if key == "<<" and is_plain:
            self._say(path, event, f"merge key << is not supported: {_WHY_NO_ALIAS}")
            self.report.spoiled.add(path)  # what it would have brought in is not missing
            return None
        if key in entries:
            line, column = self._keys[(*path, key)]
            first = f"the first is at line {line}, column {column}"
            self._say(path, event, f"duplicate key {quoted(key)}", first)
            return None
        self._keys[(*path, key)] = _place(event)
        meaning = read_plain(key) if is_plain else key
        if not (isinstance(meaning, str) or (path[-1:], key) == _A_KEY_AFTER_ALL):
            reads_as = getattr(meaning, "reads_as", "nothing" if meaning is None else "a number")
            message = f"a key must be text, but YAML reads {shorten(key) or 'this'} as {reads_as}"
            self._say(path, event, message, f"quote it: {quoted(key)}")
            self.report.spoiled.add((*path, key))
        return key

    def _skip(self, event: yaml.Event, depth: int) -> None:
        """Pass over one value, which is part of a problem already reported."""
        self._count(event, depth)
        open_collections = int(isinstance(event, yaml.CollectionStartEvent))
        while open_collections:
            event = self._next()
            if isinstance(event, yaml.CollectionEndEvent):
                open_collections -= 1
                continue
            self._count(event, depth + open_collections)
            open_collections += isinstance(event, yaml.CollectionStartEvent)

    def _spoil(self, event: yaml.Event, path: Path, message: str, hint: str = "") -> None:
        self.report.at_value(path, message, hint)
        self.report.spoiled.add(path)
        self._nodes -= 1  # `_skip` counts it again
        self._skip(event, len(path))

    def _say(self, path: Path, event: yaml.Event, message: str, hint: str = "") -> None:
        self.report.at_place(path, _place(event), message, hint)

    def _count(self, event: yaml.Event, depth: int) -> None:
        self._nodes += 1
        if depth > DEPTH_LIMIT:
            self._stop(event, f"nested too deep: the limit is {DEPTH_LIMIT} levels")
        if self._nodes > NODE_LIMIT:
            self._stop(event, f"too many keys and values: the limit is {NODE_LIMIT:,}")

    def _stop(self, event: yaml.Event, message: str) -> NoReturn:
        last = problem_at(_place(event), message)
        raise ConfigError([*self.report.in_file_order(), *last.problems])

    def _stop_empty(self) -> NoReturn:
        message = "the file has no content"
        hint = 'it needs the keys "version", "backends" and "routes"'
        raise ConfigError([Problem(line=None, column=None, path="", message=message, hint=hint)])
