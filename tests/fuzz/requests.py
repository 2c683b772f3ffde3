"""Requests: whatever is forwarded, the strict reader finds in what was sent, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tests.fuzz.watching import no_faults
from tests.support.data_path import DataPath, End
from tests.support.strict.grammar import Field, Liberty, ViolationError
from tests.support.strict.messages import Request
from tests.support.strict.streams import AnswerStream, RequestStream

FORGIVEN = frozenset(
    {
        Liberty.VISIBLE_TARGET,
        Liberty.ANY_EXTENSION,
        Liberty.ANY_TRAILER,
        Liberty.UNNAMED_HOP_FIELDS,
        Liberty.MANY_SPACES,
        # Faults, marked so in the suites; to be struck off here when they are mended.
        Liberty.STRAY_LINE_ENDS,
        Liberty.OTHER_PROTOCOLS,
    }
)
"""What the gateway takes from customers though no client may send it."""
_FORWARDED = frozenset({Liberty.VISIBLE_TARGET})
_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
_OK_TO_HEAD = _OK[:-2]
_ABSOLUTE = re.compile(rb"https?://[^/?#]*([^#]*)", re.IGNORECASE)
_OUR_OWN = frozenset(
    {
        b"connection",
        b"expect",
        b"host",
        b"max-forwards",
        b"te",
        b"traceparent",
        b"transfer-encoding",
        b"upgrade",
        b"via",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-forwarded-proto",
    }
)
"""Fields that the gateway adds, or writes anew."""


class DisagreementError(AssertionError):
    """The gateway understood something else than the strict reader."""


def check(pieces: Sequence[bytes]) -> tuple[object, ...]:
    """Send these bytes as a customer; return what kind of outcome it was, for comparison.

    Raises:
        AssertionError: Something was forwarded, answered or logged that may not be.
    """
    meant = _read(b"".join(pieces))
    with no_faults():
        path = DataPath()
        customer = path.customer()
        customer.send(*pieces)
        path.settle()
        streams = _serve(path)
        customer.finish()
        path.settle()
    forwarded = [request for stream in streams for request in stream.requests]
    _compare(forwarded, meant)
    statuses = _judge_answers(customer, meant)
    rule = meant.violation.rule if meant.violation else ""
    kinds = [(request.method, request.framing, request.is_complete) for request in forwarded]
    return (tuple(kinds), statuses, rule, len(path.backends), customer.was_cut)


def _read(data: bytes) -> RequestStream:
    meant = RequestStream(FORGIVEN)
    try:
        meant.feed(data)
    except ViolationError:
        return meant
    return meant


def _serve(path: DataPath) -> list[RequestStream]:
    """Answer whatever is complete, as long as more of it comes."""
    streams: list[RequestStream] = []
    answered: list[int] = []
    is_busy = True
    while is_busy:
        is_busy = False
        for number, end in enumerate(path.backends):
            if number == len(streams):
                streams.append(RequestStream(_FORWARDED))
                answered.append(0)
            stream = streams[number]
            stream.feed(bytes(end.came))
            end.came.clear()
            for request in stream.requests[answered[number] :]:
                if request.is_complete:
                    answered[number] += 1
                    is_busy = True
                    end.send(_OK_TO_HEAD if request.method == b"HEAD" else _OK)
                    path.settle()
    return streams


def _compare(forwarded: list[Request], meant: RequestStream) -> None:
    """Each request forwarded is one that was meant, in order; the meant ones may be refused."""
    left = iter(meant.requests)
    for request in forwarded:
        for candidate in left:
            if _is_same(request, candidate):
                break
        else:
            raise DisagreementError(f"{request} was forwarded, meant was {meant.requests}")


def _is_same(forwarded: Request, meant: Request) -> bool:
    if (forwarded.method, forwarded.target) != (meant.method, _origin_form(meant)):
        return False
    if forwarded.is_complete and not meant.is_complete:
        return False
    bodies = bytes(forwarded.body), bytes(meant.body)
    is_same_body = (
        bodies[0] == bodies[1] if forwarded.is_complete else bodies[1].startswith(bodies[0])
    )
    return (
        is_same_body
        and _are_among(forwarded.fields, meant.fields)
        and _are_among(forwarded.trailers, meant.trailers)
        and _say_no_more_of_the_connection(forwarded, meant)
    )


def _say_no_more_of_the_connection(forwarded: Request, meant: Request) -> bool:
    """Whether an offer and a wish for trailers are the customer's own, and nothing else is said."""
    upgrades, wishes = forwarded.values(b"upgrade"), forwarded.values(b"te")
    offered, wished = b", ".join(meant.values(b"upgrade")), b",".join(meant.values(b"te"))
    hops = forwarded.values(b"max-forwards")
    return (
        (not upgrades or (upgrades == [offered] and meant.offers_upgrade()))
        and (not wishes or (wishes == [b"trailers"] and b"trailers" in wished.lower()))
        and sorted(forwarded.options()) == [b"te"] * len(wishes) + [b"upgrade"] * len(upgrades)
        and hops == [_counted(hop, meant.method) for hop in meant.values(b"max-forwards")]
    )


def _counted(hops: bytes, method: bytes) -> bytes:
    """Max-Forwards as the next recipient gets it (RFC 9110, section 7.6.2)."""
    is_counted = method == b"OPTIONS" and hops.isdigit() and len(hops) < 10
    return b"%d" % (int(hops) - 1) if is_counted else hops


def _origin_form(meant: Request) -> bytes:
    match = _ABSOLUTE.fullmatch(meant.target)
    if match is None:
        return meant.target
    if match[1].startswith(b"/"):
        return match[1]
    return b"*" if meant.method == b"OPTIONS" and not match[1] else b"/" + match[1]


def _are_among(forwarded: list[Field], meant: list[Field]) -> bool:
    """Whether the fields that are not ours are some of those sent, in order."""
    left = iter(meant)
    return all(field in left for field in forwarded if field[0].lower() not in _OUR_OWN)


def _judge_answers(customer: End, meant: RequestStream) -> tuple[int, ...]:
    has_begun = meant.violation is not None or not meant.is_at_rest

    def asked(number: int) -> Request | None:
        if number < len(meant.requests):
            return meant.requests[number]
        return unreadable if has_begun and number == len(meant.requests) else None

    # Of what is broken this early, nobody can say whether it was meant to be a HEAD.
    is_head = meant.begins.startswith(b"HEAD") and customer.came.endswith(b"\r\n\r\n")
    unreadable = Request(version="1.1", method=b"HEAD" if is_head else b"GET", target=b"/")
    answers = AnswerStream(asked)
    answers.feed(bytes(customer.came))
    statuses = tuple(answer.status for answer in answers.answers)
    if 500 in statuses:
        raise DisagreementError("a fault of our own")
    if not (answers.is_at_rest or customer.was_cut):
        raise DisagreementError("an orderly end within an answer")
    return statuses
