"""A request that comes whole, body and all, in one packet is sent once, and nothing behind it."""

from __future__ import annotations

import pytest

from tests.conformance.doors.origin import Origin
from tests.conformance.doors.stage import Stage

_GET = b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n"
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
_CHUNKED = b"POST / HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n"
_LAST = b"0\r\n\r\n"
_CHUNKS = b"2\r\nhi\r\n" + _LAST
_SIZED = b"POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 2\r\n\r\n"


@pytest.mark.parametrize(
    ("head", "body", "is_warm"),
    [
        pytest.param(_SIZED, b"hi", False, id="sized-new"),
        pytest.param(_SIZED, b"hi", True, id="sized-warm"),
        pytest.param(_CHUNKED, _CHUNKS, False, id="chunked-new"),
        pytest.param(_CHUNKED, _CHUNKS, True, id="chunked-warm"),
        pytest.param(_CHUNKED, _LAST, False, id="empty-new"),
        pytest.param(_CHUNKED, _LAST, True, id="empty-warm"),
    ],
)
async def test_promise_2_nothing_stands_behind_a_request_on_its_connection(
    stage: Stage, origin: Origin, head: bytes, body: bytes, *, is_warm: bool
) -> None:
    """Another customer's request is to follow there."""
    customer = await stage.customer()
    backend = None
    if is_warm:
        await customer.send(_GET)
        backend = await origin.accept()
        await backend.serve(_ANSWER)
        assert await customer.read(len(_ANSWER)) == _ANSWER
    await customer.send(head + body)
    backend = backend or await origin.accept()
    assert await backend.head() == head
    assert await backend.read(len(body)) == body
    assert not await backend.has_bytes()
