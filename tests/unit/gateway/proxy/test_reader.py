"""Requests are read alike however their bytes are cut, and no further than there is room."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.proxy.access_log import AccessLog
from gateway.proxy.gateway import Gateway
from gateway.proxy.reader import RequestReader
from gateway.routing.snapshot import Address, Backend, Match, Route, Snapshot, Trust
from gateway.wire.inbound import MAX_HEAD_BYTES, BadRequest, Inbound
from gateway.wire.messages import Header

_GATEWAY = Gateway(
    Snapshot(
        digest="0" * 64,
        trust=Trust(),
        backends=(Backend(name="legacy", addresses=(Address(host="127.0.0.1", port=1),)),),
        routes=(Route(name="all", matches=(Match(path_prefix="/"),), backend="legacy"),),
    ),
    1,
    AccessLog(None),
    lambda: 0.0,
)
_GET = b"GET /%d HTTP/1.1\r\nHost: s\r\n\r\n"
_STREAM = (
    _GET % 1
    + b"\r\nPOST /2 HTTP/1.1\r\nHost: s\r\nContent-Length: 5\r\n\r\nhello"
    + b"POST /3 HTTP/1.1\r\nHost: s\r\nTransfer-Encoding: chunked\r\n\r\n"
    + b"3;x=y\r\nwor\r\n2\r\nld\r\n0\r\nX: y\r\n\r\n"
    + b"GET /4 HTTP/1.1\r\nHost: s\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    + b"POST /5 HTTP/1.1\r\nHost: s\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"
    + b"Content-Length: 4\r\n\r\nlast"
    + _GET % 6
)
_READ = ["/1", "/2 hello", "/3 world", "/4", "/5 last"]
"""The last offered to switch protocols and had a body: nothing is read behind it."""


class _Recorder:
    """Receives, and has room for as many requests as it is told."""

    def __init__(self, room: int = 1_000_000) -> None:
        self.room = room
        self.requests: list[str] = []
        self.ended = 0
        self.trailers: list[Header] = []
        self.refusals: list[int] = []

    @property
    def is_full(self) -> bool:
        return len(self.requests) >= self.room

    def request_read(self, inbound: Inbound) -> None:
        self.requests.append(inbound.target.decode())

    def body_read(self, data: bytes) -> None:
        separator = "" if " " in self.requests[-1] else " "
        self.requests[-1] += separator + data.decode()

    def request_ended(self, trailers: Sequence[Header]) -> None:
        self.trailers += trailers
        self.ended += 1

    def refused(self, refusal: BadRequest) -> None:
        self.refusals.append(refusal.status)


def _reader(recorder: _Recorder) -> RequestReader:
    return RequestReader(_GATEWAY, recorder)


def _cut(data: bytes, places: list[int]) -> Iterator[bytes]:
    edges = [0, *sorted(places), len(data)]
    for start, end in pairwise(edges):
        yield data[start:end]


@settings(max_examples=60)
@given(st.lists(st.integers(0, len(_STREAM)), max_size=12))
def test_however_a_stream_is_cut_it_holds_the_same_requests(places: list[int]) -> None:
    recorder = _Recorder()
    reader = _reader(recorder)
    for piece in _cut(_STREAM, places):
        if not reader.is_deaf:
            reader.feed(piece)
    assert recorder.requests == _READ
    assert (recorder.ended, recorder.refusals, reader.is_deaf) == (5, [], True)
    assert recorder.trailers == [(b"X", b"y")]


def test_byte_by_byte_is_no_different() -> None:
    recorder = _Recorder()
    reader = _reader(recorder)
    for byte in _STREAM:
        reader.feed(bytes((byte,)))
    assert recorder.requests == _READ


@settings(max_examples=60)
@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=4))
def test_no_bytes_do_anything_but_wait_or_be_refused(data: bytes, places: list[int]) -> None:
    recorder = _Recorder()
    reader = _reader(recorder)
    for piece in _cut(data, [min(place, len(data)) for place in places]):
        reader.feed(piece)
    assert reader.is_deaf == bool(recorder.refusals)
    assert set(recorder.refusals) <= {400, 501, 505}


def test_what_there_is_no_room_for_stays_unread_until_there_is() -> None:
    recorder = _Recorder(room=8)
    reader = _reader(recorder)
    count = 9_000
    reader.feed(b"".join(_GET % number for number in range(count)))
    assert len(recorder.requests) < 1_000
    while reader.rest is not None:
        recorder.room = len(recorder.requests) + 8
        reader.read_on()
    assert recorder.requests == [f"/{number}" for number in range(count)]


def test_what_comes_while_some_is_unread_stays_behind_it() -> None:
    recorder = _Recorder(room=1)
    reader = _reader(recorder)
    reader.feed((_GET % 1) * 1_000)
    reader.feed(_GET % 2)
    recorder.room = 10_000
    reader.read_on()
    assert recorder.requests == ["/1"] * 1_000 + ["/2"]


def test_a_large_body_is_not_cut_into_slices() -> None:
    pieces: list[int] = []

    class Counting(_Recorder):
        def body_read(self, data: bytes) -> None:
            pieces.append(len(data))

    reader = _reader(Counting())
    reader.feed(b"POST / HTTP/1.1\r\nHost: s\r\nContent-Length: 300000\r\n\r\n")
    reader.feed(bytes(200_000))
    reader.feed(bytes(100_000) + _GET % 1)
    assert pieces[0] == 200_000
    assert sum(pieces) == 300_000


@pytest.mark.parametrize("before", [b"", (_GET % 1) * 100], ids=["alone", "behind-others"])
@pytest.mark.parametrize("slack", [-200, 200], ids=["under", "over"])
def test_the_limit_of_a_head_does_not_depend_on_what_came_before(before: bytes, slack: int) -> None:
    recorder = _Recorder()
    reader = _reader(recorder)
    value = b"x" * (MAX_HEAD_BYTES + slack)
    reader.feed(before + b"GET /big HTTP/1.1\r\nHost: s\r\nX: " + value + b"\r\n\r\n")
    assert recorder.refusals == ([431] if slack > 0 else [])
    assert ("/big" in recorder.requests) == (slack < 0)


def test_a_half_received_head_is_known_of_even_behind_a_whole_request() -> None:
    reader = _reader(_Recorder())
    seen = []
    for piece in (_GET % 1, _GET % 2 + b"G", (_GET % 3)[1:], b"\r\n"):
        reader.feed(piece)
        seen.append(reader.is_in_head)
    assert seen == [False, True, False, False]


def test_a_connection_is_refused_once_and_then_deaf() -> None:
    recorder = _Recorder()
    reader = _reader(recorder)
    reader.feed(b"\x00" * 100)
    reader.refuse(BadRequest(408, "Request Timeout", "Too late."))
    assert len(recorder.refusals) == 1
