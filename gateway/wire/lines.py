"""What field lines mean, judged when they are first seen.

Clients and backends say much the same each time, and what a line means follows from its bytes: one
that was seen before costs a look-up. Only lines written in the one way in which all write them are
judged here; whoever meets another asks the parser.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TypeVar

VALUE = re.compile(rb"[!-~\x80-\xFF](?:[\t -~\x80-\xFF]*[!-~\x80-\xFF])?")
"""A field's value, with nothing around it (RFC 9112, section 5)."""
_FIELD = re.compile(rb"([!#$%%&'*+\-.^_`|~0-9A-Za-z]+): (%b)" % VALUE.pattern)
"""A name, one space, a value."""
_MAX_REMEMBERED, _MAX_REMEMBERED_BYTES = 2048, 128
"""Lines, and bytes of each: a quarter of a megabyte. Hostile ones can only have them forgotten."""
_PERSONAL = frozenset(
    {b"authorization", b"cookie", b"location", b"proxy-authorization", b"referer", b"set-cookie"}
)
"""Names of fields whose values are not kept beyond their message."""


Meaning = TypeVar("Meaning")


class Lines(dict[bytes, Meaning]):
    """Field line -> what it means."""

    def __init__(self, judge: Callable[[bytes, bytes], Meaning], strange: Meaning) -> None:
        """Ask `judge` what a name and a value mean; a line that is written oddly is `strange`."""
        super().__init__()
        self._judge = judge
        self._strange = strange

    def remembers(self, lines: Iterable[bytes]) -> bool:
        """Whether all of these are remembered; then none of them is personal."""
        return all(map(self.__contains__, lines))

    def __missing__(self, line: bytes) -> Meaning:
        field = _FIELD.fullmatch(line)
        if field is None:
            return self._strange
        name, value = field.groups()
        meaning = self._judge(name, value)
        if len(line) <= _MAX_REMEMBERED_BYTES and name.lower() not in _PERSONAL:
            if len(self) >= _MAX_REMEMBERED:
                self.clear()
            self[line] = meaning
        return meaning
