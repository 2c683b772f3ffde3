"""WebSocket frames, sound and unsound, as bytes (RFC 6455, section 5)."""

from __future__ import annotations

import random
from dataclasses import dataclass

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
_MASK = b"\x37\xfa\x21\x3d"
_SHORT, _MEDIUM = 125, 0xFFFF
_NOISE = random.Random(5)


def frame(
    opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0, mask: bytes = b""
) -> bytes:
    """One frame.

    Args:
        opcode: 0 to 15.
        payload: Before masking.
        fin: Whether the message ends here.
        rsv: The three reserved bits, 0 to 7.
        mask: Four bytes as a client must use; none as a server must.
    """
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    masked, size = 0x80 if mask else 0, len(payload)
    if size <= _SHORT:
        head = bytes([first, masked | size])
    elif size <= _MEDIUM:
        head = bytes([first, masked | 126]) + size.to_bytes(2)
    else:
        head = bytes([first, masked | 127]) + size.to_bytes(8)
    return head + mask + (_masked(payload, mask) if mask else payload)


def _masked(payload: bytes, mask: bytes) -> bytes:
    size = len(payload)
    pad = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload) ^ int.from_bytes(pad)).to_bytes(size)


def close(code: int | None = None, reason: bytes = b"") -> bytes:
    """A Close frame's payload."""
    return b"" if code is None else code.to_bytes(2) + reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """Frames that a tunnel must hand through as they are."""

    name: str
    pieces: tuple[bytes, ...]
    """Each sent by itself."""

    @property
    def data(self) -> bytes:
        """All of it."""
        return b"".join(self.pieces)


def _messages(mask: bytes) -> list[tuple[str, list[bytes]]]:
    sizes = (0, 1, 125, 126, 127, 65535, 65536, 1 << 20)
    texts = [
        (
            f"text of {size} bytes",
            [frame(TEXT, b"\xc3\xa7o" * (size // 3) + b"x" * (size % 3), mask=mask)],
        )
        for size in sizes
    ]
    binaries = [
        (f"binary of {size} bytes", [frame(BINARY, _NOISE.randbytes(size), mask=mask)])
        for size in sizes
    ]
    return texts + binaries


def _fragments(mask: bytes) -> list[tuple[str, list[bytes]]]:
    first = frame(TEXT, b"one, ", fin=False, mask=mask)
    middle = frame(CONTINUATION, b"two, ", fin=False, mask=mask)
    last = frame(CONTINUATION, b"three", mask=mask)
    ping, pong = frame(PING, b"between", mask=mask), frame(PONG, b"between", mask=mask)
    return [
        ("message in three fragments", [first, middle, last]),
        ("message in three fragments in one packet", [first + middle + last]),
        ("empty fragments", [frame(TEXT, fin=False, mask=mask), frame(CONTINUATION, mask=mask)]),
        ("a thousand fragments", [first + middle * 1000 + last]),
        ("ping between fragments", [first, ping, middle, pong, last]),
        (
            "a character cut in two by fragments",
            [frame(TEXT, b"\xc3", fin=False, mask=mask), frame(CONTINUATION, b"\xa7", mask=mask)],
        ),
        ("frame cut within its head", [first[:1], first[1:] + last]),
        ("frame cut within its payload", [last[:-2], last[-2:]]),
        ("length of 16 bits cut in two", _cut(frame(BINARY, bytes(300), mask=mask), 3)),
        ("length of 64 bits cut in two", _cut(frame(BINARY, bytes(70_000), mask=mask), 6)),
        ("a hundred messages in one packet", [frame(TEXT, b"hi", mask=mask) * 100]),
    ]


def _cut(data: bytes, place: int) -> list[bytes]:
    return [data[:place], data[place:]]


def _controls(mask: bytes) -> list[tuple[str, list[bytes]]]:
    return [
        ("ping without payload", [frame(PING, mask=mask)]),
        ("ping with text", [frame(PING, b"are you there?", mask=mask)]),
        ("ping with bytes that are no text", [frame(PING, b"\xff\x00\xfe", mask=mask)]),
        ("ping of the longest payload", [frame(PING, bytes(125), mask=mask)]),
        ("pong unasked", [frame(PONG, b"here I am", mask=mask)]),
        ("ten pings at once", [b"".join(frame(PING, bytes([n]), mask=mask) for n in range(10))]),
    ]


def _closes(mask: bytes) -> list[tuple[str, list[bytes]]]:
    sound = (
        1000,
        1001,
        1002,
        1003,
        1007,
        1008,
        1009,
        1010,
        1011,
        1012,
        1013,
        1014,
        3000,
        3999,
        4000,
        4999,
    )
    unsound = (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535)
    return [
        ("close without code", [frame(CLOSE, mask=mask)]),
        *((f"close {code}", [frame(CLOSE, close(code), mask=mask)]) for code in sound),
        *(
            (f"close {code}, which nobody may send", [frame(CLOSE, close(code), mask=mask)])
            for code in unsound
        ),
        ("close with a reason", [frame(CLOSE, close(1000, b"at\xc3\xa9 logo"), mask=mask)]),
        ("close with the longest reason", [frame(CLOSE, close(1000, b"z" * 123), mask=mask)]),
        (
            "close with a reason that is no text",
            [frame(CLOSE, close(1000, b"\xff\xff"), mask=mask)],
        ),
        ("close with half a code", [frame(CLOSE, b"\x03", mask=mask)]),
        (
            "a message behind a close",
            [frame(CLOSE, close(1000), mask=mask), frame(TEXT, b"more", mask=mask)],
        ),
    ]


def _bad(mask: bytes) -> list[tuple[str, list[bytes]]]:
    return [
        *(
            (f"reserved bits {rsv:03b}", [frame(TEXT, b"r", rsv=rsv, mask=mask)])
            for rsv in range(1, 8)
        ),
        *(
            (f"reserved opcode {code:#x}", [frame(code, b"?", mask=mask)])
            for code in (0x3, 0x4, 0x5, 0x6, 0x7, 0xB, 0xC, 0xD, 0xE, 0xF)
        ),
        ("ping that is too long", [frame(PING, bytes(126), mask=mask)]),
        (
            "ping in fragments",
            [frame(PING, b"p", fin=False, mask=mask), frame(CONTINUATION, mask=mask)],
        ),
        ("continuation of nothing", [frame(CONTINUATION, b"what?", mask=mask)]),
        (
            "a message within a message",
            [frame(TEXT, b"a", fin=False, mask=mask), frame(TEXT, b"b", mask=mask)],
        ),
        ("text that is no UTF-8", [frame(TEXT, b"\xce\xba\xed\xa0\x80", mask=mask)]),
        (
            "a length of more bytes than needed",
            [b"\x82" + (b"\xfe\x00\x01" + mask if mask else b"\x7e\x00\x01") + b"x"],
        ),
        (
            "a length with its highest bit set",
            [b"\x82" + (b"\xff" if mask else b"\x7f") + b"\x80" + bytes(7) + mask + b"x"],
        ),
        ("an HTTP request", [b"GET /admin HTTP/1.1\r\nHost: shop\r\n\r\n"]),
        ("an HTTP answer", [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"]),
        ("no frame at all", [bytes(range(256))]),
        ("one byte", [b"\x00"]),
    ]


def _crossings() -> list[Crossing]:
    found = []
    for way, mask in (("masked", _MASK), ("not masked", b""), ("masked with zeros", bytes(4))):
        tables = (_messages, _fragments, _controls, _closes, _bad)
        # How bytes are masked is no business of a tunnel: one kind of everything will do for zeros.
        for table in tables if way != "masked with zeros" else (_controls,):
            found += [
                Crossing(name=f"{name}, {way}", pieces=tuple(pieces))
                for name, pieces in table(mask)
            ]
    return found


CROSSINGS = _crossings()
