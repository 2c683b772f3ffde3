"""A candidate that behaves as badly as a backend can, and the control beside it.

Which way is asked for is the first segment of a request's path. Both sides are served here: what
the control of a way answers is the same every time.
"""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bench import bad_answers as said

_FLOOD_BYTES = 100 * said.MIB
_CUT = struct.pack("ii", 1, 0)
_FEW_S = 0.01
_SLOW_S = 1.0


class Talk:
    """A connection on which a request has come."""

    def __init__(self, connection: socket.socket, over: threading.Event) -> None:
        self._connection = connection
        self._over = over

    def send(self, data: bytes) -> None:
        """Send all of it."""
        self._connection.sendall(data)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self._over.wait(seconds)

    def hang(self) -> None:
        """Say nothing more, for ever."""
        self._over.wait()

    def reset(self) -> None:
        """Cut the connection, without a word."""
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _CUT)
        self.end()

    def end(self) -> None:
        """Close it."""
        raise ConnectionAbortedError


Play = Callable[[Talk], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to be bad."""

    name: str
    play: Play
    became: str
    """The class of its trials; empty: they are still under way."""
    control: bytes = said.answer()


def _says(data: bytes, *, ends: bool = False) -> Play:
    """Answers always the same."""

    def play(talk: Talk) -> None:
        talk.send(data)
        if ends:
            talk.end()

    return play


def _slow(talk: Talk) -> None:
    talk.wait(_SLOW_S)
    talk.send(said.answer())


def _hangs(talk: Talk) -> None:
    talk.hang()


def _hangs_in_the_middle(talk: Talk) -> None:
    talk.send(said.answer()[:-4])
    talk.hang()


def _resets(talk: Talk) -> None:
    talk.reset()


def _resets_in_the_middle(talk: Talk) -> None:
    talk.send(said.answer()[:-4])
    talk.wait(_FEW_S)
    talk.reset()


def _floods(talk: Talk) -> None:
    talk.send(said.unframed(more=b"Content-Length: %d\r\n" % _FLOOD_BYTES))
    for _ in range(_FLOOD_BYTES // len(said.FLOOD_PIECE)):
        talk.send(said.FLOOD_PIECE)


def _floods_in_chunks(talk: Talk) -> None:
    talk.send(said.unframed(more=b"Transfer-Encoding: chunked\r\n"))
    while True:
        talk.send(said.ENDLESS_CHUNK)


def _drips(talk: Talk) -> None:
    for byte in said.answer():
        talk.send(bytes((byte,)))
        talk.wait(_FEW_S / 5)


def _drips_for_ever(talk: Talk) -> None:
    talk.send(said.unframed(more=b"Transfer-Encoding: chunked\r\n"))
    while True:
        talk.send(b"1\r\nx\r\n")
        talk.wait(_FEW_S * 5)


def _floods_hints(talk: Talk) -> None:
    while True:
        talk.send(said.INTERIM * 100)


def _many_hints(talk: Talk) -> None:
    talk.send(said.INTERIM * 500 + said.answer())


def _huge_head(talk: Talk) -> None:
    talk.send(b"HTTP/1.1 200 OK\r\n")
    while True:
        talk.send(b"X-More: " + b"x" * 8000 + b"\r\n")


def _endless_line(talk: Talk) -> None:
    talk.send(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while True:
        talk.send(b"x" * 65536)


def _endless_events(talk: Talk) -> None:
    talk.send(
        said.unframed(more=b"Transfer-Encoding: chunked\r\n", media_type=b"text/event-stream")
    )
    while True:
        talk.send(b"%x\r\n%b\r\n" % (len(said.EVENT) * 1000, said.EVENT * 1000))


def _differing(body: bytes) -> Play:
    return _says(said.answer(body))


_FAILED, _MISMATCHED, _MATCHED = "candidate_failed", "mismatched", "matched"
_OF_TWO_LENGTHS = b"Content-Length: 5\r\n"

WAYS: tuple[Way, ...] = (
    Way(name="alike", play=_says(said.answer()), became=_MATCHED),
    Way(name="in-chunks", play=_says(said.chunked()), became=_MATCHED),
    Way(name="slow", play=_slow, became=_MATCHED),
    Way(name="drips", play=_drips, became=_MATCHED),
    Way(name="many-hints", play=_many_hints, became=_MATCHED),
    Way(
        name="ends-by-closing",
        play=_says(said.unframed() + said.DOCUMENT, ends=True),
        became=_MATCHED,
    ),
    Way(name="hangs", play=_hangs, became=_FAILED),
    Way(name="hangs-in-the-middle", play=_hangs_in_the_middle, became=_FAILED),
    Way(name="dead", play=_resets, became=_FAILED),
    Way(name="resets", play=_resets, became=_FAILED),
    Way(name="resets-in-the-middle", play=_resets_in_the_middle, became=_FAILED),
    Way(name="floods", play=_floods, became=_FAILED),
    Way(name="floods-in-chunks", play=_floods_in_chunks, became=_FAILED),
    Way(name="floods-hints", play=_floods_hints, became=_FAILED),
    Way(name="drips-for-ever", play=_drips_for_ever, became=""),
    Way(name="huge-head", play=_huge_head, became=_FAILED),
    Way(name="endless-line", play=_endless_line, became=_FAILED),
    Way(name="too-short", play=_says(said.answer()[:-4], ends=True), became=_FAILED),
    Way(name="too-long", play=_says(said.answer() + b"and more"), became=_MATCHED),
    Way(name="two-lengths", play=_says(said.answer(more=_OF_TWO_LENGTHS)), became=_FAILED),
    Way(
        name="length-of-letters",
        play=_says(said.unframed(more=b"Content-Length: many\r\n")),
        became=_FAILED,
    ),
    Way(
        name="bad-chunks",
        play=_says(said.unframed(more=b"Transfer-Encoding: chunked\r\n") + b"zz\r\n"),
        became=_FAILED,
    ),
    Way(name="switches", play=_says(b"HTTP/1.1 101 Now\r\nUpgrade: x\r\n\r\n"), became=_FAILED),
    Way(name="speaks-http2", play=_says(b"\x00\x00\x12\x04" + bytes(300)), became=_FAILED),
    Way(name="fails", play=_says(said.answer(status=b"500 Oops")), became=_FAILED),
    Way(
        name="redirects",
        play=_says(said.answer(status=b"302 There", more=b"Location: /redirects/x/0\r\n")),
        became=_MISMATCHED,
    ),
    Way(
        name="sets-cookies",
        play=_says(said.answer(more=b"Set-Cookie: theirs=1; Path=/\r\n")),
        became=_MISMATCHED,
    ),
    Way(name="gzip-bomb", play=_says(said.gzip_bomb()), became=_MISMATCHED),
    Way(name="zipped-twice", play=_says(said.zipped_twice()), became=_MISMATCHED),
    Way(
        name="unknown-coding",
        play=_says(said.answer(more=b"Content-Encoding: rot13\r\n")),
        became=_MISMATCHED,
    ),
    Way(name="deep", play=_differing(said.DEEP), became=_MISMATCHED),
    Way(name="many-lists", play=_differing(said.MANY), became=_MISMATCHED),
    Way(name="bad-utf-8", play=_differing(said.DOCUMENT[:-9] + b"\xff\xfe"), became=_MISMATCHED),
    Way(name="huge-numbers", play=_differing(said.HUGE_NUMBERS), became=_MISMATCHED),
    Way(name="evil-values", play=_differing(said.EVIL), became=_MISMATCHED),
    Way(
        name="picture-bomb",
        play=_says(said.PICTURE_BOMB),
        became=_MISMATCHED,
        control=said.PICTURE,
    ),
    Way(name="endless-events", play=_endless_events, became=_FAILED, control=said.EVENTS),
    Way(name="page-bomb", play=_says(said.PAGE_BOMB), became=_MISMATCHED, control=said.PAGE),
)
BY_NAME = {way.name: way for way in WAYS}
DEAD = "dead"
"""Behind this one nobody listens at all."""


def control_of(words: list[str]) -> bytes:
    """What the control answers: in some other framing, where the second segment says so."""
    whole = BY_NAME[words[0]].control if words[0] in BY_NAME else said.answer()
    kind = words[1] if len(words) > 1 else ""
    if kind == "hints":
        return said.INTERIM + whole
    if kind == "chunks":
        head, _, body = whole.partition(b"\r\n\r\n")
        fields = head.rpartition(b"\r\nContent-Length")[0]
        framed = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        return fields + b"\r\ntransfer-ENCODING: chunked\r\n\r\n" + framed
    return whole


class Backend:
    """A side, in threads of its own; heads that it has read are in `heads`."""

    def __init__(self, *, is_control: bool, way: str = "") -> None:
        """Listen; `way` instead of what paths ask for."""
        self.heads: list[bytes] = []
        self._is_control = is_control
        self._way = way
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Refuse everybody, and let go of whoever hangs."""
        self._over.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            for head in _heads(connection):
                self.heads.append(head)
                words = head.split(b" ")[1].decode().strip("/").split("/")
                talk = Talk(connection, self._over)
                if self._is_control:
                    talk.send(control_of(words))
                else:
                    BY_NAME[self._way or words[0]].play(talk)


def _heads(connection: socket.socket) -> Iterator[bytes]:
    read = b""
    while True:
        head, end, rest = read.partition(b"\r\n\r\n")
        if end:
            read = rest
            yield head + end
        elif data := connection.recv(65536):
            read += data
        else:
            return


@contextmanager
def backends(way: str = "") -> Iterator[tuple[Backend, Backend]]:
    """The control and the candidate."""
    control, candidate = Backend(is_control=True), Backend(is_control=False, way=way)
    try:
        yield control, candidate
    finally:
        control.close()
        candidate.close()


def main() -> None:
    """Serve both sides until the input ends; their ports are printed first."""
    with backends(sys.argv[1] if len(sys.argv) > 1 else "") as (control, candidate):
        sys.stdout.write(json.dumps([control.port, candidate.port]) + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
