"""The fields of a connection's last request: most clients send the same again and again.

Or all the same but one, which says which request it is. What such fields mean is known already, if
it does not hang on that one.
"""

from __future__ import annotations

from collections.abc import Callable

from gateway.wire.inbound import Body, Inbound
from gateway.wire.lines import VALUE

_MOST_BYTES = 2048
"""Of fields that are remembered with a connection; it may be idle for long."""
_MOST_TRIES = 8
"""In vain, to find the one line that changes: then more of them do on this connection."""
_NEW_LINE, _COLON = b"\r\n", b": "


class Repeated:
    """What is remembered of them.

    What they mean is kept once they have come twice in a row, and only of fields that mean the same
    whatever the target is.
    """

    __slots__ = (
        "_after",
        "_before",
        "_tries",
        "body",
        "by",
        "fields",
        "host",
        "kept",
        "length",
        "named",
    )

    def __init__(self) -> None:
        self.fields = b""
        """As they came, joined by CRLF; empty for a field block that is not remembered."""
        self.by: object = None
        """Who has read them, by the names that routing asks for; None: nobody has."""
        self.kept = b""
        self.named: dict[bytes, bytes] = {}
        self.host: bytes | None = None
        self.body, self.length = Body.NONE, 0
        self._before = self._after = b""
        """What stands around the one value that changes; both empty if there is none."""
        self._tries = 0

    def is_like(self, fields: bytes) -> bool:
        """Whether `fields` are the same but for a value that changes and that only crosses."""
        before, after = self._before, self._after
        if not (before and fields.startswith(before) and fields.endswith(after)):
            return False
        return VALUE.fullmatch(fields, len(before), len(fields) - len(after)) is not None

    def note(
        self, by: object, inbound: Inbound, fields: bytes, crosses: Callable[[bytes], bool]
    ) -> None:
        """Remember what `fields` were found to mean, if they may come again.

        Args:
            by: Who has read them.
            inbound: What they mean.
            fields: As they came.
            crosses: Whether a line means nothing, whatever its value: it just crosses.
        """
        is_again = fields == self.fields
        self._before = self._after = b""
        if not is_again:
            is_whole = inbound.fields is fields and len(fields) <= _MOST_BYTES
            is_again = is_whole and self._finds_change(fields, crosses)
            self.fields = fields if len(fields) <= _MOST_BYTES else b""
        if is_again and inbound.forwarded is None and inbound.traceparent is None:
            self.by = by
            self.kept, self.named, self.host = inbound.fields, inbound.named, inbound.host
            self.body, self.length = inbound.body, inbound.length
        else:
            self.by = None

    def _finds_change(self, fields: bytes, crosses: Callable[[bytes], bool]) -> bool:
        """Whether all is as it was but the value of one line that only crosses."""
        if self._tries == _MOST_TRIES or not self.fields:
            return False
        self._tries += 1
        lines, before = fields.split(_NEW_LINE), self.fields.split(_NEW_LINE)
        if len(lines) != len(before):
            return False
        changed = [index for index, line in enumerate(lines) if line != before[index]]
        if len(changed) != 1:
            return False
        (place,) = changed
        name = lines[place].partition(_COLON)[0] + _COLON
        if not (before[place].startswith(name) and crosses(lines[place])):
            return False
        self._tries = 0
        self._before = _NEW_LINE.join([*lines[:place], name])
        self._after = b"".join([_NEW_LINE + line for line in lines[place + 1 :]])
        return True
