"""aiohttp, with its own parser in C and its strict pool."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp

from tests.e2e.third_parties.asks import Ask, Body, Framing, Seen, Session, Skill
from tests.support.content import content

_PATIENCE_S = 60


class Aiohttp:
    """The client."""

    name = "aiohttp"
    skills = frozenset({Skill.EXPECT, Skill.RAW_NAMES})

    def ask(self, base: str, asks: tuple[Ask, ...]) -> Session:
        """Ask in one session, on a loop of its own."""
        return asyncio.run(_ask_all(base, asks))


async def _ask_all(base: str, asks: tuple[Ask, ...]) -> Session:
    connections = 0

    async def count(*_: object) -> None:
        nonlocal connections
        connections += 1

    trace = aiohttp.TraceConfig()
    trace.on_connection_create_end.append(count)
    async with aiohttp.ClientSession(
        # Cookies of an address, not only of a name: 127.0.0.1 is all that there is here.
        cookie_jar=aiohttp.CookieJar(unsafe=True),
        timeout=aiohttp.ClientTimeout(_PATIENCE_S),
        trace_configs=[trace],
    ) as session:
        seen = tuple([await _ask(session, base, ask) for ask in asks])
    return Session(seen=seen, connections=connections)


async def _ask(session: aiohttp.ClientSession, base: str, ask: Ask) -> Seen:
    headers = [(name, value) for name, value in ask.headers if name != "Expect"]
    upload = None
    if ask.upload is not None:
        upload = _pieces(ask.upload.size_bytes)
        if ask.upload.framing is Framing.LENGTH:
            headers.append(("Content-Length", str(ask.upload.size_bytes)))
    body = Body()
    try:
        async with session.request(
            ask.method,
            base + ask.path,
            headers=headers,
            data=upload,
            allow_redirects=ask.follow,
            expect100=any(name == "Expect" for name, _ in ask.headers),
        ) as answer:
            async for piece in answer.content.iter_any():
                body.add(piece)
    except aiohttp.ClientError as error:
        return Seen(error=type(error).__name__)
    return body.told(
        Seen(
            status=answer.status,
            reason=answer.reason or "",
            headers=tuple(
                (n.decode("latin-1"), v.decode("latin-1")) for n, v in answer.raw_headers
            ),
            hops=tuple(hop.status for hop in answer.history),
        )
    )


async def _pieces(size_bytes: int) -> AsyncIterator[bytes]:
    for piece in content(size_bytes):
        yield piece
