"""Makes connections to a backend: TCP, TLS or a Unix socket, each within the connect timeout."""

from __future__ import annotations

import asyncio
import functools
import ipaddress
import socket
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING

from gateway.errors import Cause, Source, Stage, UpstreamError
from gateway.proxy.upstream import UpstreamConnection

if TYPE_CHECKING:
    from gateway.proxy.pool import Pool
    from gateway.routing.snapshot import Address, Backend

_CONTEXTS_KEPT = 16
"""By authority; reading the system's takes 25 ms, and most backends trust the same."""


class Dialler:
    """Makes connections for one pool."""

    def __init__(self, backend: Backend) -> None:
        self._tls = backend.tls
        self._connect_s = backend.timeouts.connect_s
        self._context: ssl.SSLContext | None = None
        self._is_reading = asyncio.Lock()

    async def dial(self, address: Address, pool: Pool) -> UpstreamConnection:
        """Make a connection that can carry a request.

        Raises:
            UpstreamError: There is none, or it ended at once; the detail is for operators.
        """
        try:
            async with asyncio.timeout(self._connect_s):
                connection = await self._dial(address, pool)
        except TimeoutError:
            why = f"no connection in {self._connect_s:g} s"
            raise _failure(Cause.TIMEOUT, address, why) from None
        except ssl.SSLCertVerificationError as error:
            why = f"certificate verify failed: {error.verify_message}"
            raise _failure(Cause.PROTOCOL, address, why) from error
        except ssl.SSLError as error:
            raise _failure(Cause.PROTOCOL, address, f"TLS failed: {error.reason}") from error
        except (OSError, ValueError) as error:
            # ValueError: a host name that cannot be one.
            raise _failure(Cause.REFUSED, address, str(error)) from error
        if connection.is_gone:
            raise _failure(Cause.CLOSED, address, "closed as soon as it stood")
        return connection

    async def _dial(self, address: Address, pool: Pool) -> UpstreamConnection:
        if address.path:
            _, connection = await asyncio.get_running_loop().create_unix_connection(
                lambda: UpstreamConnection(pool), address.path
            )
            return connection
        if self._tls is None:
            return await self._dial_host(address, lambda: UpstreamConnection(pool))
        await self._read_context(self._tls.ca)
        name = self._tls.server_name or address.host
        return await self._dial_host(address, lambda: TlsConnection(pool), name)

    async def _dial_host(
        self, address: Address, make: Callable[[], UpstreamConnection], name: str | None = None
    ) -> UpstreamConnection:
        """Try in order what the host resolves to, each with its share of the time that is left."""
        loop = asyncio.get_running_loop()
        ends_s = loop.time() + self._connect_s
        hosts = await _resolve(address)
        for index, host in enumerate(hosts):
            share_s = (ends_s - loop.time()) / (len(hosts) - index)
            try:
                async with asyncio.timeout(share_s):
                    _, connection = await loop.create_connection(
                        make, host, address.port, ssl=self._context, server_hostname=name
                    )
                    return connection
            except OSError:
                if index == len(hosts) - 1:
                    raise
        raise OSError(f"{address.host} resolves to nothing")

    async def _read_context(self, ca: str) -> None:
        """Read in a thread what is trusted; once, however many connections wait for it."""
        async with self._is_reading:
            if self._context is None:
                self._context = await asyncio.to_thread(_client_context, ca)


@functools.lru_cache(_CONTEXTS_KEPT)
def _client_context(ca: str) -> ssl.SSLContext:
    """Settings that verify certificate and name; `ca` as in `gateway.routing.snapshot.Tls`."""
    context = ssl.create_default_context(cadata=ca or None)
    context.set_alpn_protocols(["http/1.1"])
    return context


async def _resolve(address: Address) -> list[str]:
    try:
        ipaddress.ip_address(address.host)
    except ValueError:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
        return [str(place[0]) for *_, place in found]
    return [address.host]


def _failure(cause: Cause, address: Address, why: str) -> UpstreamError:
    return UpstreamError(Stage.CONNECT, Source.UPSTREAM, cause, f"{address}: {why}")


class TlsConnection(UpstreamConnection):
    """A connection through TLS, which tells an end from a cut (RFC 8446, section 6.1)."""

    __slots__ = ("_session",)

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool)
        self._session: ssl.SSLObject | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the session beside the transport."""
        self._session = transport.get_extra_info("ssl_object")
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Take an end without a farewell for a cut: anybody on the way can bring one about."""
        if exc is None and not self._has_said_farewell():
            exc = ConnectionAbortedError("the TLS session was cut off")
        super().connection_lost(exc)

    def _has_said_farewell(self) -> bool:
        """Whether the backend has ended the session; event loops do not say."""
        if self._session is None:
            return False
        try:
            return not self._session.read(1)
        except ssl.SSLError as error:
            return isinstance(error, ssl.SSLZeroReturnError)
