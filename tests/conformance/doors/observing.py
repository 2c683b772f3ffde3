"""What becomes of one request and its answer at a door, byte by byte."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass

from tests.conformance.doors.crossings import OUR_REFUSAL, Crossing, End
from tests.conformance.doors.origin import Backend, Origin
from tests.conformance.doors.stage import Customer, Stage
from tests.support.strict.grammar import ViolationError

_AGAIN = b"GET /again HTTP/1.1\r\nHost: shop\r\n\r\n"
_AGAIN_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nagain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What both ends saw."""

    head: bytes
    """Of the request at the origin, without what the gateway adds to each; empty: none came."""
    body: bytes
    """Of the request at the origin, with its framing."""
    arrives: bytes
    """The answer with its interim ones at the customer; `OUR_REFUSAL` for the gateway's own."""
    end: End
    fault: str = ""
    """The rule that an answer broke; what came is not told then."""


def expected(crossing: Crossing) -> Seen:
    """What a door without any inability shows."""
    is_whole = crossing.is_request_whole
    body = crossing.body if crossing.reaches_body is None else crossing.reaches_body
    return Seen(
        head=crossing.sent if crossing.reaches is None else crossing.reaches,
        body=body if is_whole else b"",
        arrives=crossing.arrives or crossing.answered,
        end=crossing.end,
    )


async def observe(stage: Stage, origin: Origin, crossing: Crossing, *, patience_s: float) -> Seen:
    """Send the request, answer it, and see what becomes of the connection."""
    customer = await stage.ask(crossing.sent + crossing.body)
    head = body = b""
    try:
        async with asyncio.timeout(patience_s):
            backend = await _reached(origin, customer)
            if backend is not None:
                head = await backend.head()
                body = await _read_body(backend, is_whole=crossing.is_request_whole)
                await backend.send(crossing.answered)
                if crossing.origin_closes:
                    backend.close()
            while not (customer.has_ended or customer.is_answered):
                await customer.look()
            arrives = _unsigned(customer)
            end = await _end(customer, origin, backend)
    except ViolationError as violation:
        customer.reset()
        return Seen(head=head, body=body, arrives=b"", end=End.STUCK, fault=violation.rule)
    except TimeoutError:
        return Seen(head=head, body=body, arrives=customer.came, end=End.STUCK)
    return Seen(head=head, body=body, arrives=arrives, end=end)


async def _reached(origin: Origin, customer: Customer) -> Backend | None:
    """The connection that the request comes on; None if the customer is answered without one."""
    while not (customer.has_ended or customer.is_answered):
        if (backend := origin.accept_now()) is not None:
            return backend
        await customer.look()
    return None


async def _read_body(backend: Backend, *, is_whole: bool) -> bytes:
    if is_whole:
        while not backend.is_request_whole:
            await backend.look()
    return backend.came


def _unsigned(customer: Customer) -> bytes:
    """What came, with the gateway's own words replaced."""
    answers = customer.answers
    if answers and answers[-1].values(b"content-type") == [b"application/problem+json"]:
        return OUR_REFUSAL % answers[-1].status
    return customer.came


async def _end(customer: Customer, origin: Origin, backend: Backend | None) -> End:
    """See whether both connections take another request."""
    if not (customer.has_ended or customer.answers[-1].is_last):
        with contextlib.suppress(OSError):
            await customer.send(_AGAIN)
        while not customer.has_ended:
            if backend is None or backend.has_ended:
                backend = origin.accept_now() or backend
            else:
                await backend.look()
                if b"GET /again " in backend.came:
                    await backend.send(_AGAIN_ANSWER)
                    await customer.read_until(b"again")
                    return End.OPEN
            await customer.look()
    while not customer.has_ended:
        await customer.look()
    return End.CUT if customer.was_cut else End.CLOSED
