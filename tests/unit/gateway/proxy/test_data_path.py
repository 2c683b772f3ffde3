"""However bytes are cut on their way, the same requests and answers come out at the other end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.data_path import DataPath, End
from tests.support.strict.messages import Answer, Request
from tests.support.strict.streams import AnswerStream, RequestStream

_QUICK = settings(max_examples=50)
_POSTS = st.binary(max_size=30) | st.lists(st.binary(min_size=1, max_size=9), max_size=4)
_Body = bytes | list[bytes] | None
_bodies: st.SearchStrategy[_Body] = st.none() | _POSTS
_cuts = st.lists(st.integers(0, 400), max_size=8)


def _framed(body: _Body) -> bytes:
    """The framing fields, the end of the head, and the body."""
    if body is None:
        return b"\r\n"
    if isinstance(body, bytes):
        return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    chunks = b"".join(b"%X;a=b\r\n%b\r\n" % (len(chunk), chunk) for chunk in body)
    return b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\nX-Sum: 1\r\n\r\n"


def _plain(body: _Body) -> bytes:
    return b"".join(body) if isinstance(body, list) else body or b""


def _cut(data: bytes, places: list[int]) -> Iterator[bytes]:
    edges = [0, *sorted(min(place, len(data)) for place in places), len(data)]
    for start, end in pairwise(edges):
        yield data[start:end]


@dataclass(slots=True)
class _Backend:
    """Answers each request with its number and its body."""

    end: End
    stream: RequestStream
    answered: int = 0

    def serve(self, answers: list[_Body], places: list[int]) -> bool:
        """Read what has come; answer it if it is a whole request."""
        self.stream.feed(bytes(self.end.came))
        self.end.came.clear()
        requests = self.stream.requests
        if self.answered == len(requests) or not requests[-1].is_complete:
            return False
        answer = b"HTTP/1.1 200 OK\r\n" + _framed(answers[self.answered] or b"")
        self.answered += 1
        self.end.send(*_cut(answer, places))
        return True


def _exchange(
    data: bytes, answers: list[_Body], cuts: tuple[list[int], list[int]]
) -> tuple[list[Request], list[Answer]]:
    """Send it all in pieces, and let the backend answer in pieces."""
    path = DataPath()
    customer = path.customer()
    customer.send(*_cut(data, cuts[0]))
    path.settle()
    (end,) = path.backends
    backend = _Backend(end, RequestStream())
    while backend.serve(answers, cuts[1]):
        path.settle()
    stream = AnswerStream(lambda number: backend.stream.requests[number])
    stream.feed(bytes(customer.came))
    assert stream.is_at_rest
    return backend.stream.requests, stream.answers


@given(st.lists(st.tuples(_bodies, _POSTS), min_size=1, max_size=4), _cuts, _cuts)
@_QUICK
def test_requests_and_answers_cross_however_they_are_cut(
    bodies: list[tuple[_Body, _Body]], request_cuts: list[int], answer_cuts: list[int]
) -> None:
    data = b"".join(
        b"POST /%d HTTP/1.1\r\nHost: shop\r\n%b" % (number, _framed(body))
        for number, (body, _) in enumerate(bodies)
    )
    requests, answers = _exchange(
        data, [answer for _, answer in bodies], (request_cuts, answer_cuts)
    )
    asked = [(request.target, bytes(request.body)) for request in requests]
    assert asked == [(b"/%d" % number, _plain(body)) for number, (body, _) in enumerate(bodies)]
    assert [bytes(answer.body) for answer in answers] == [_plain(answer) for _, answer in bodies]
