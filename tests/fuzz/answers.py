"""Answers: what a customer takes for complete is what the strict reader finds in the backend's."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum

from tests.fuzz.requests import DisagreementError
from tests.fuzz.watching import no_faults
from tests.support.data_path import DataPath, End
from tests.support.strict.grammar import Field, Liberties, Liberty, ViolationError
from tests.support.strict.messages import Answer, Request
from tests.support.strict.streams import AnswerStream

FORGIVEN = frozenset(
    {
        Liberty.NO_SPACE_BEHIND_STATUS,
        Liberty.ANY_EXTENSION,
        Liberty.ANY_TRAILER,
        Liberty.UNNAMED_HOP_FIELDS,
        Liberty.FRAMING_IN_VAIN,
        Liberty.LINE_ENDS_BEHIND_INTERIM,
    }
)
"""What the gateway takes from backends though no server may send it."""
_SURE = FORGIVEN - {Liberty.ANY_EXTENSION, Liberty.ANY_TRAILER}
"""What it takes for sure: not every extension that is none, nor framing in a trailer."""
_TAB_BEHIND_CODING = re.compile(rb"\ntransfer-encoding:[^\n]*\t *\r\n", re.IGNORECASE)
"""Legal, and nothing that the parser understands."""
_GOOD = b"HTTP/1.1 200 OK\r\nX-Whose: second\r\nContent-Length: 6\r\n\r\nsecond"
_PROBLEM = [b"application/problem+json"]
_OUR_OWN = frozenset({b"connection", b"transfer-encoding"})


class Ending(Enum):
    """What the backend does behind its bytes."""

    STAY = "stay"
    FINISH = "finish"
    LOSE = "lose"


def check(method: bytes, pieces: Sequence[bytes], ending: Ending) -> tuple[object, ...]:
    """Answer a request with these bytes; return what kind of outcome it was, for comparison.

    Raises:
        AssertionError: A customer got something that it may not get, or something was logged.
    """
    asked = Request(version="1.1", method=method, target=b"/first")
    data = b"".join(pieces)
    meant = _read(asked, data, ending)
    may_refuse = (
        _read(asked, data, ending, _SURE).violation is not None
        or _is_beyond_us(meant)
        or _TAB_BEHIND_CODING.search(data) is not None
    )
    with no_faults():
        path = DataPath()
        customer = path.customer()
        customer.send(b"%b /first HTTP/1.1\r\nHost: shop\r\n\r\n" % method)
        path.settle()
        (backend,) = path.backends
        backend.send(*pieces)
        if ending is Ending.FINISH:
            backend.finish()
        elif ending is Ending.LOSE:
            backend.lose()
        path.settle()
        got = _judge(customer, asked)
        _compare(got, meant, is_cut=customer.was_cut, may_refuse=may_refuse)
        _check_second(path)
    rule = meant.violation.rule if meant.violation else ""
    kinds = [(answer.status, answer.framing, answer.is_complete) for answer in got.answers]
    return (method, tuple(kinds), len(got.interim), rule, customer.was_cut, backend.has_ended)


def _read(
    asked: Request, data: bytes, ending: Ending, liberties: Liberties = FORGIVEN
) -> AnswerStream:
    meant = AnswerStream(lambda number: asked if number == 0 else None, liberties)
    try:
        meant.feed(data)
    except ViolationError:
        return meant
    if ending is Ending.FINISH:
        meant.end()
    return meant


def _judge(customer: End, asked: Request) -> AnswerStream:
    got = AnswerStream(lambda number: asked if number == 0 else None)
    got.feed(bytes(customer.came))
    if customer.has_ended and not (customer.was_cut or got.is_at_rest):
        raise DisagreementError("an orderly end within an answer")
    return got


def _compare(got: AnswerStream, meant: AnswerStream, *, is_cut: bool, may_refuse: bool) -> None:
    if [each.status for each in got.interim] != [e.status for e in meant.interim][
        : len(got.interim)
    ]:
        raise DisagreementError(f"interim answers {got.interim}, meant were {meant.interim}")
    first = meant.answers[0] if meant.answers else None
    is_whole = first is not None and first.is_complete
    if not got.answers:
        if is_whole and not is_cut:
            raise DisagreementError(f"nothing came, meant was {first}")
        return
    answer = got.answers[0]
    if answer.values(b"content-type") == _PROBLEM:
        _check_problem(answer, meant, must_pass=is_whole and not may_refuse)
    elif first is None or not _is_same(answer, first):
        raise DisagreementError(f"{answer} came, meant was {first}")


def _check_problem(problem: Answer, meant: AnswerStream, *, must_pass: bool) -> None:
    if problem.status != 502:
        raise DisagreementError(f"{problem.status} for a bad answer")
    if must_pass:
        raise DisagreementError(f"502, meant was {meant.answers}")


def _is_beyond_us(meant: AnswerStream) -> bool:
    """Whether it is refused although nothing but its framing in vain, or its coding, is odd."""
    everything = [*meant.interim, *meant.answers]
    codings = [value.lower() for each in everything for value in each.values(b"transfer-encoding")]
    lengths = [each.values(b"content-length") for each in everything]
    if codings not in ([], [b"chunked"]):
        return True
    if any(len(values) > 1 or not b"".join(values or [b"0"]).isdigit() for values in lengths):
        return True
    return any(
        # The parser obeys them, and takes nothing behind an interim answer that closes.
        each.is_last or each.values(b"proxy-connection") or each.values(b"transfer-encoding")
        for each in meant.interim
    )


def _is_same(got: Answer, meant: Answer) -> bool:
    if (got.status, got.reason) != (meant.status, meant.reason):
        return False
    if got.is_complete and not meant.is_complete:
        return False
    bodies = bytes(got.body), bytes(meant.body)
    is_same_body = bodies[0] == bodies[1] if got.is_complete else bodies[1].startswith(bodies[0])
    return (
        is_same_body
        and _are_among(got.fields, meant.fields)
        and _are_among(got.trailers, meant.trailers)
    )


def _are_among(got: list[Field], meant: list[Field]) -> bool:
    left = iter(meant)
    return all(field in left for field in got if field[0].lower() not in _OUR_OWN)


def _check_second(path: DataPath) -> None:
    """Somebody else asks, and gets its own answer, whatever is left of the first."""
    customer = path.customer()
    customer.send(b"GET /second HTTP/1.1\r\nHost: shop\r\n\r\n")
    path.settle()
    backend = path.backends[-1]
    if b"GET /second " not in backend.came:
        raise DisagreementError("the next request reaches nobody")
    backend.send(_GOOD)
    path.settle()
    if bytes(customer.came) != _GOOD:
        raise DisagreementError(f"the next answer was {bytes(customer.came)!r}")
