"""Changes to messages: small ones that any byte can suffer, and large ones that HTTP suggests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from random import Random

_MAX_BYTES = 4096
"""Of one input; beyond, a run only takes longer."""
_BYTES = b"\x00\x01\t\n\x0b\x0c\r\x1f \"#%&',-./0159:;<=>?@AFXaf[\\]_{|}~\x7f\x80\x85\xa0\xff"
_TOKENS = (
    *(b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"\r\n ", b"\r\n\t", b" ", b"\t", b": ", b" :", b","),
    *(
        b"0\r\n\r\n",
        b"0\r\n",
        b"5\r\nhello\r\n",
        b"1;a=b\r\n",
        b'2;a="b',
        b"ffffffff",
        b"000",
        b"-1",
    ),
    *(
        b"GET ",
        b"POST ",
        b"HEAD ",
        b"OPTIONS ",
        b"CONNECT ",
        b"TRACE ",
        b"PRI ",
        b"get ",
        b"/",
        b"*",
    ),
    *(b" HTTP/1.1\r\n", b" HTTP/1.0\r\n", b" HTTP/2.0\r\n", b"HTTP/1.1 ", b"HTTP/1.0 "),
    *(b"200 OK", b"204 None", b"304 Same", b"100 Continue", b"101 Switch", b"103 Hints", b"999 "),
    *(b"Host: shop\r\n", b"Host: evil\r\n", b"host:", b"http://evil", b"https://shop:8/a?b"),
    *(
        b"Content-Length: 5\r\n",
        b"Content-Length: 0\r\n",
        b"content-length:",
        b"Content_Length: 5\r\n",
    ),
    *(b"Transfer-Encoding: chunked\r\n", b"transfer-encoding:", b"chunked", b"gzip", b"identity"),
    *(b"Connection: close\r\n", b"Connection: keep-alive\r\n", b"Connection: Upgrade\r\n"),
    *(b"Connection: x, Content-Length\r\n", b"Upgrade: websocket\r\n", b"Upgrade: h2c\r\n"),
    *(b"Proxy-Connection: close\r\n", b"Expect: 100-continue\r\n", b"TE: trailers\r\n"),
    *(
        b"Trailer: X\r\n",
        b"X: y\r\n",
        b"X-Forwarded-For: 6.6.6.6\r\n",
        b"Via: 1.1 a\r\n",
        b"%2e%2e/",
    ),
)

_Change = Callable[[Random, bytes], bytes]


def _somewhere(chance: Random, data: bytes) -> int:
    return chance.randint(0, len(data))


def _slice(chance: Random, data: bytes) -> tuple[int, int]:
    start = _somewhere(chance, data)
    return start, min(len(data), start + chance.choice((1, 1, 2, 4, 16, 64)))


def _replace_byte(chance: Random, data: bytes) -> bytes:
    place = _somewhere(chance, data)
    return data[:place] + bytes((chance.choice(_BYTES),)) + data[place + 1 :]


def _insert_byte(chance: Random, data: bytes) -> bytes:
    place = _somewhere(chance, data)
    return data[:place] + bytes((chance.choice(_BYTES),)) + data[place:]


def _insert_token(chance: Random, data: bytes) -> bytes:
    place = _somewhere(chance, data)
    return data[:place] + chance.choice(_TOKENS) + data[place:]


def _replace_by_token(chance: Random, data: bytes) -> bytes:
    start, end = _slice(chance, data)
    return data[:start] + chance.choice(_TOKENS) + data[end:]


def _remove(chance: Random, data: bytes) -> bytes:
    start, end = _slice(chance, data)
    return data[:start] + data[end:]


def _repeat(chance: Random, data: bytes) -> bytes:
    start, end = _slice(chance, data)
    return data[:end] + data[start:end] * chance.choice((1, 1, 2, 9)) + data[end:]


def _turn_case(chance: Random, data: bytes) -> bytes:
    start, end = _slice(chance, data)
    return data[:start] + data[start:end].swapcase() + data[end:]


def _cut_off(chance: Random, data: bytes) -> bytes:
    return data[: _somewhere(chance, data)]


def _on_lines(change: Callable[[Random, list[bytes]], None]) -> _Change:
    def changed(chance: Random, data: bytes) -> bytes:
        lines = data.split(b"\r\n")
        change(chance, lines)
        return b"\r\n".join(lines)

    return changed


def _insert_field(chance: Random, lines: list[bytes]) -> None:
    fields = [token for token in _TOKENS if token.endswith(b"\r\n") and b":" in token]
    lines.insert(chance.randint(0, len(lines)), chance.choice(fields)[:-2])


def _repeat_line(chance: Random, lines: list[bytes]) -> None:
    lines.insert(chance.randint(0, len(lines)), chance.choice(lines))


def _remove_line(chance: Random, lines: list[bytes]) -> None:
    lines.pop(chance.randrange(len(lines)))


def _swap_lines(chance: Random, lines: list[bytes]) -> None:
    one, other = (chance.randrange(len(lines)) for _ in range(2))
    lines[one], lines[other] = lines[other], lines[one]


_CHANGES: tuple[_Change, ...] = (
    _replace_byte,
    _insert_byte,
    _insert_token,
    _replace_by_token,
    _remove,
    _repeat,
    _turn_case,
    _cut_off,
    _on_lines(_insert_field),
    _on_lines(_repeat_line),
    _on_lines(_remove_line),
    _on_lines(_swap_lines),
)


def mutated(chance: Random, corpus: Sequence[bytes]) -> bytes:
    """A new input: one of the corpus, perhaps joined to another, changed a few times."""
    data = chance.choice(corpus)
    if chance.random() < 0.2:
        other = chance.choice(corpus)
        data = data[: _somewhere(chance, data)] + other[_somewhere(chance, other) :]
    for _ in range(chance.choice((1, 1, 1, 2, 3, 5))):
        data = chance.choice(_CHANGES)(chance, data)
    return data[:_MAX_BYTES]


def cut(chance: Random, data: bytes) -> list[bytes]:
    """The input in pieces: whole, byte by byte, or in a few."""
    way = chance.random()
    if way < 0.4:
        return [data]
    if way < 0.5:
        return [bytes((byte,)) for byte in data]
    places = sorted(_somewhere(chance, data) for _ in range(chance.choice((1, 2, 5))))
    edges = [0, *places, len(data)]
    return [data[start:end] for start, end in pairwise(edges)]
