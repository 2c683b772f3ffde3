"""Whatever a test does with a connection, what the gateway sent on it is judged."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from tests.conformance.doors.judges import BackendJudge, CustomerJudge, Judge
from tests.conformance.doors.origin import Origin
from tests.conformance.doors.wire import Wire
from tests.support.strict.grammar import ViolationError

_GET = b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n"
_POST = b"POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 5\r\n\r\n"
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
_BAD_ANSWER = _ANSWER.replace(b"\r\n", b"\n", 1)

Ends = tuple[Wire, socket.socket]


@pytest.fixture
async def customer() -> AsyncIterator[Ends]:
    """A customer who has asked, and the bare socket at the other end."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        near = socket.create_connection(listener.getsockname())
        far, _ = listener.accept()
    wire = Wire(near, CustomerJudge())
    await wire.send(_GET)
    yield wire, far
    wire.close()
    far.close()


async def _drain(wire: Wire) -> None:
    wire.drain()


READINGS: dict[str, Callable[[Wire], Awaitable[object]]] = {
    "read": lambda wire: wire.read(5),
    "read_until": lambda wire: wire.read_until(b"\n"),
    "read_to_end": lambda wire: wire.read_to_end(),
    "count_to": lambda wire: wire.count_to(30),
    "has_bytes": lambda wire: wire.has_bytes(),
    "drain": _drain,
}


@pytest.mark.parametrize("reading", READINGS.values(), ids=READINGS)
async def test_a_bad_byte_is_noticed_however_it_is_read(
    customer: Ends, reading: Callable[[Wire], Awaitable[object]]
) -> None:
    wire, far = customer
    far.sendall(_BAD_ANSWER)
    with pytest.raises(ViolationError, match="bare LF"):
        await reading(wire)


async def test_an_orderly_end_within_an_answer_is_noticed_and_a_cut_is_not(customer: Ends) -> None:
    wire, far = customer
    far.sendall(_ANSWER[:-1])
    far.shutdown(socket.SHUT_WR)
    with pytest.raises(ViolationError, match="orderly end"):
        await wire.read_to_end()
    judge = CustomerJudge()
    judge.sent(_GET)
    judge.received(_ANSWER[:-1])
    judge.ended(was_reset=True)


def _say(judge: Judge, *said: tuple[str, bytes]) -> None:
    for direction, data in said:
        if direction == "<":
            judge.received(data)
        else:
            judge.sent(data)


@pytest.mark.parametrize(
    "said",
    [
        [("<", _ANSWER)],
        [(">", _GET), ("<", _ANSWER), ("<", _ANSWER)],
        [(">", b"\n"), ("<", _ANSWER), ("<", _ANSWER)],
        [(">", _GET[:9]), ("<", _ANSWER), ("<", _ANSWER)],
        [(">", _POST), ("<", _ANSWER), ("<", _ANSWER)],
    ],
    ids=["to-nothing", "to-one", "to-junk", "to-half-a-head", "to-half-a-body"],
)
def test_an_answer_too_many_is_noticed(said: list[tuple[str, bytes]]) -> None:
    with pytest.raises(ViolationError, match="nobody asked"):
        _say(CustomerJudge(), *said)


def test_a_backend_notices_requests_in_another_version_and_too_early() -> None:
    with pytest.raises(ViolationError, match=r"HTTP/1\.0"):
        _say(BackendJudge(), ("<", _GET.replace(b"1.1", b"1.0")))
    with pytest.raises(ViolationError, match="no answer"):
        _say(BackendJudge(), ("<", _GET), ("<", _GET))
    _say(BackendJudge(), ("<", _GET), (">", _ANSWER), ("<", _GET))


@pytest.mark.parametrize("is_accepted", [True, False])
async def test_what_a_backend_was_sent_and_nobody_read_is_judged_in_the_end(
    *, is_accepted: bool
) -> None:
    origin = Origin()
    with socket.create_connection(("127.0.0.1", origin.port)) as gateway:
        if is_accepted:
            await origin.accept()
        gateway.sendall(b"GET / HTTP/1.1\r\n\r\n")
        with pytest.raises(ViolationError, match="0 Hosts"):
            origin.close()
