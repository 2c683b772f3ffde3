"""Both ends of an upgrade, in the test's hands."""

from __future__ import annotations

from tests.conformance.doors.origin import Backend, Origin
from tests.conformance.doors.stage import Stage
from tests.conformance.doors.wire import Wire

OFFER = (
    b"GET /chat HTTP/1.1\r\n"
    b"Host: shop\r\n"
    b"Connection: keep-alive, Upgrade\r\n"
    b"Upgrade: websocket\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Version: 13\r\n"
    b"\r\n"
)
TAKEN = (
    b"HTTP/1.1 101 Switching Protocols\r\n"
    b"Connection: Upgrade\r\n"
    b"Upgrade: websocket\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
    b"\r\n"
)


def with_fields(head: bytes, fields: bytes) -> bytes:
    """The head with more field lines at its end."""
    return head.removesuffix(b"\r\n") + fields + b"\r\n"


def fields(head: bytes) -> list[tuple[bytes, bytes]]:
    """The field lines of a head in order, names in lower case."""
    lines = head.split(b"\r\n")[1:]
    pairs = [line.partition(b":") for line in lines if line]
    return [(name.lower(), value.strip()) for name, _, value in pairs]


async def offered(
    stage: Stage, origin: Origin, offer: bytes = OFFER, early: bytes = b""
) -> tuple[Wire, Backend, bytes]:
    """A customer who has offered an upgrade, the backend, and the head that it was sent."""
    customer = await stage.ask(offer + early)
    backend = await origin.accept()
    return customer, backend, await backend.read_until(b"\r\n\r\n")


async def upgraded(
    stage: Stage, origin: Origin, *, offer: bytes = OFFER, answer: bytes = TAKEN
) -> tuple[Wire, Backend]:
    """A customer and a backend with a tunnel between them."""
    customer, backend, _ = await offered(stage, origin, offer)
    await backend.send(answer)
    head = await customer.read_until(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 "), head
    return customer, backend
