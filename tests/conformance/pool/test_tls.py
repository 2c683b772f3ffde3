"""Backends over TLS: who is believed, what is asked for, and what a cut looks like."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import httpx
import pytest
import trustme

from gateway.proxy.pool import Pool
from gateway.proxy.transport import PoolTransport
from gateway.routing.snapshot import Address, Backend, Timeouts, Tls
from tests.conformance.doors.stage import Stage, shop
from tests.conformance.doors.wire import PATIENCE_S
from tests.conformance.pool.conftest import OpenPool
from tests.conformance.pool.tls_origin import Ending, TlsOrigin

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
_OPEN_END = b"HTTP/1.1 200 OK\r\n\r\nhalf of i"
NewTlsOrigin = Callable[..., TlsOrigin]
LOOPS = [("asyncio", {"use_uvloop": True}), ("asyncio", {"use_uvloop": False})]


@pytest.fixture(params=LOOPS, ids=["uvloop", "asyncio"])
def anyio_backend(request: pytest.FixtureRequest) -> object:
    """Both loops: each has a TLS of its own, and an ASGI server may run either."""
    return request.param


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """The operator's own authority."""
    return trustme.CA()


@pytest.fixture
def new_tls_origin(authority: trustme.CA) -> Iterator[NewTlsOrigin]:
    """Make a backend, with a certificate for these names."""
    origins: list[TlsOrigin] = []

    def make(
        *names: str,
        signed_by: trustme.CA = authority,
        answer: bytes = _ANSWER,
        ending: Ending = "keep",
    ) -> TlsOrigin:
        certificate = signed_by.issue_cert(*names) if names else None
        origins.append(TlsOrigin(certificate, answer, ending))
        return origins[-1]

    yield make
    for origin in origins:
        origin.close()


@pytest.fixture
def trust(authority: trustme.CA) -> Tls:
    """Trust in that authority."""
    return Tls(ca=authority.cert_pem.bytes().decode())


def _named(tls: Tls, name: str) -> Tls:
    return Tls(ca=tls.ca, server_name=name)


def _at(origin: TlsOrigin, host: str = "127.0.0.1") -> tuple[Address, ...]:
    return (Address(host=host, port=origin.port),)


async def _get(pool: Pool) -> httpx.Response:
    async with httpx.AsyncClient(transport=PoolTransport(pool)) as client:
        return await client.get("http://shop/")


@pytest.mark.parametrize(
    ("host", "name"),
    [("localhost", ""), ("127.0.0.1", ""), ("127.0.0.1", "shop.test")],
    ids=["host-name", "address", "server-name"],
)
async def test_the_certificate_has_to_be_for_the_host_or_the_name_that_is_given(
    open_pool: OpenPool, new_tls_origin: NewTlsOrigin, trust: Tls, host: str, name: str
) -> None:
    """An address is not asked for by name (RFC 6066, section 3), yet has to be in it."""
    proven = name or host
    origin = new_tls_origin(proven)
    pool = open_pool(addresses=_at(origin, host), tls=_named(trust, name))
    for _ in range(2):
        assert (await _get(pool)).text == "ok"
    (greeting,) = origin.greetings
    assert greeting.name == (None if proven == "127.0.0.1" else proven)
    assert greeting.protocol == "http/1.1"
    assert len(greeting.heads) == 2


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (("other.test",), "Hostname mismatch, certificate is not valid for 'shop.test'"),
        (("*.shop.test",), "Hostname mismatch"),
    ],
)
async def test_a_certificate_for_another_name_is_no_connection(
    open_pool: OpenPool, new_tls_origin: NewTlsOrigin, trust: Tls, names: tuple[str, ...], why: str
) -> None:
    pool = open_pool(addresses=_at(new_tls_origin(*names)), tls=_named(trust, "shop.test"))
    with pytest.raises(httpx.ConnectError, match=f"certificate verify failed: {why}"):
        await _get(pool)
    assert pool.open_connections == 0


async def test_a_certificate_of_an_unknown_authority_is_no_connection(
    open_pool: OpenPool, new_tls_origin: NewTlsOrigin, trust: Tls
) -> None:
    """Neither beside an authority of one's own, nor beside the system's."""
    origin = new_tls_origin("shop.test", signed_by=trustme.CA())
    for tls in (_named(trust, "shop.test"), Tls(server_name="shop.test")):
        with pytest.raises(httpx.ConnectError, match=r"certificate verify failed: .*issuer"):
            await _get(open_pool(addresses=_at(origin), tls=tls))


async def test_a_backend_that_speaks_no_tls_is_no_connection(
    open_pool: OpenPool, trust: Tls
) -> None:
    async def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as plain:
        address = Address(host="127.0.0.1", port=plain.sockets[0].getsockname()[1])
        pool = open_pool(addresses=(address,), tls=trust)
        with pytest.raises(
            httpx.ConnectError, match=r"127\.0\.0\.1:\d+: TLS failed: WRONG_VERSION"
        ):
            await _get(pool)


async def test_a_handshake_is_part_of_the_connect_timeout(
    open_pool: OpenPool, new_tls_origin: NewTlsOrigin, trust: Tls
) -> None:
    """The connection that stood already is closed: it would be the backend's for ever."""
    mute = new_tls_origin()
    pool = open_pool(addresses=_at(mute), tls=trust, timeouts=Timeouts(connect_s=0.1))
    with pytest.raises(httpx.ConnectTimeout, match=r"no connection in 0\.1 s"):
        await _get(pool)
    assert mute.ended.acquire(timeout=PATIENCE_S)
    assert pool.open_connections == 0


async def test_an_answer_up_to_the_end_of_the_connection_is_whole_only_with_a_farewell(
    open_pool: OpenPool, new_tls_origin: NewTlsOrigin, trust: Tls
) -> None:
    """Without one, anybody on the way could have cut it short."""
    whole = new_tls_origin("127.0.0.1", answer=_OPEN_END, ending="farewell")
    assert (await _get(open_pool(addresses=_at(whole), tls=trust))).text == "half of i"
    cut = new_tls_origin("127.0.0.1", answer=_OPEN_END, ending="cut")
    with pytest.raises(httpx.RemoteProtocolError, match="the TLS session was cut off"):
        await _get(open_pool(addresses=_at(cut), tls=trust))


async def test_a_long_answer_crosses_whole(
    open_pool: OpenPool, new_tls_origin: NewTlsOrigin, trust: Tls
) -> None:
    body = b"x" * (4 << 20)
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    origin = new_tls_origin("127.0.0.1", answer=answer)
    pool = open_pool(addresses=_at(origin), tls=trust)
    assert (await _get(pool)).content == body
    assert (await _get(pool)).content == body
    assert len(origin.greetings) == 1


async def test_a_customer_is_told_nothing_of_a_certificate(
    new_tls_origin: NewTlsOrigin, trust: Tls, caplog: pytest.LogCaptureFixture
) -> None:
    """A plain 502; the operator reads the reason in the log, once."""
    origin = new_tls_origin("other.test")
    backend = Backend(name="legacy", addresses=_at(origin), tls=_named(trust, "shop.test"))
    stage = Stage(shop(backend))
    await stage.open()
    for _ in range(4):
        customer = await stage.ask(b"POST / HTTP/1.1\r\nHost: s\r\nContent-Length: 0\r\n\r\n")
        answer = await customer.read_until(b"}\n")
        assert answer.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
        assert b"certificate" not in answer
        assert b"shop.test" not in answer
    assert {line["error"] for line in stage.lines(4)} == {"connect:protocol:upstream"}
    message, consequence = caplog.messages
    assert consequence == "backend_out_of_service backend=legacy why=ejected new_work=stays"
    assert message.startswith("address_ejected backend=legacy address=127.0.0.1:")
    assert "certificate verify failed: Hostname mismatch" in message
    await stage.close()
