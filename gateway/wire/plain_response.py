"""Answers with a head as plain as most are: judged line by line, and passed on as they came."""

from __future__ import annotations

import re

from gateway.wire.fields import Kind, kind_of, length_of, listed
from gateway.wire.inbound import MAX_FIELDS, MAX_HEAD_BYTES
from gateway.wire.lines import Lines
from gateway.wire.response import NO_BODY, ONE_CONNECTIONS, Outbound

_START = re.compile(rb"HTTP/1\.1 ([2-5][0-9]{2}) ([\t -~\x80-\xFF]*)")
"""The status line of a final answer."""
_CROSSES, _DROPPED, _STRANGE = -1, -2, -3
"""What a field line means, where it is not the body's length."""
_MOST_REMEMBERED, _MOST_REMEMBERED_BYTES = 256, 64
"""Status lines, and bytes of each."""
_MOST_REPEATED_BYTES = 2048
"""Of a head that is remembered with a connection; it may be idle for long."""
_END = b"\r\n\r\n"


class LastHead:
    """The head of a connection's last answer: many backends say the same again and again.

    What it means is kept once two in a row were as long as each other, and only of a head without
    anything that is a customer's own.
    """

    __slots__ = ("_size_bytes", "head", "outbound")

    def __init__(self) -> None:
        self._size_bytes = 0
        self.head = b""
        """As it came, the empty line included; of use where there is an `outbound`."""
        self.outbound: Outbound | None = None
        """What was read of it; nobody changes it."""

    def note(self, head: bytes, lines: list[bytes], outbound: Outbound) -> None:
        """Remember what `head` was found to mean, if it may come again; `lines` are its fields."""
        size_bytes = len(head)
        if size_bytes != self._size_bytes:
            self._size_bytes, self.outbound = size_bytes, None
        elif size_bytes <= _MOST_REPEATED_BYTES and _meanings.remembers(lines):
            self.head, self.outbound = head, outbound


def _judge(name: bytes, value: bytes) -> int:
    kind = kind_of(name)
    if kind not in ONE_CONNECTIONS:
        return _CROSSES
    if kind is Kind.CONTENT_LENGTH:
        length = length_of(value)
        return _STRANGE if length is None else length
    is_usual = kind is Kind.HOP or (kind is Kind.CONNECTION and listed(value) == [b"keep-alive"])
    return _DROPPED if is_usual else _STRANGE


class _Starts(dict[bytes, tuple[int, bytes] | None]):
    """Status line -> status and reason; None if it is not a plain one."""

    def __missing__(self, line: bytes) -> tuple[int, bytes] | None:
        found = _START.fullmatch(line)
        start = (int(found[1]), found[2]) if found else None
        if found and len(self) < _MOST_REMEMBERED and len(line) <= _MOST_REMEMBERED_BYTES:
            self[line] = start
        return start


_meanings, _starts = Lines(_judge, _STRANGE), _Starts()


def read_plain_response(data: bytes, last: LastHead) -> tuple[Outbound, int] | None:
    """Read an answer's head, if it is a plain one: whole, final, with a body of known length.

    Args:
        data: All that has come of the answer. It is one to a request that was not HEAD.
        last: What is remembered of the answer before it on the same connection.

    Returns:
        The head, and how many bytes of `data` it is. None if the parser must say what this is.
    """
    if last.outbound is not None and data.startswith(last.head):
        return last.outbound, len(last.head)
    end = data.find(_END, 0, MAX_HEAD_BYTES)
    if end < 0:
        return None
    first, *lines = data[:end].split(b"\r\n")
    start = _starts[first]
    if start is None or start[0] in NO_BODY or len(lines) > MAX_FIELDS:
        return None
    length, is_whole, meanings = _CROSSES, True, _meanings
    for line in lines:
        meaning = meanings[line]
        if meaning == _CROSSES:
            continue
        if meaning == _DROPPED:
            is_whole = False
        elif meaning == _STRANGE or length != _CROSSES:
            return None
        else:
            length = meaning
    if length == _CROSSES:
        return None
    end += len(_END)
    head = data[:end]
    outbound = Outbound(*start, None, length, head if is_whole else _without_dropped(first, lines))
    last.note(head, lines, outbound)
    return outbound, end


def _without_dropped(first: bytes, lines: list[bytes]) -> bytes:
    kept = [line for line in lines if _meanings[line] != _DROPPED]
    return b"\r\n".join([first, *kept, b"", b""])
