"""A proxy of aiohttp's server and client, as people write it: ``PORT ORIGIN_PORT``."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator

import uvloop
from aiohttp import ClientSession, TCPConnector, web

_PIECE_BYTES = 64 * 1024
_HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


def create_app(origin: str) -> web.Application:
    """The application; `origin` is the URL that paths are put behind."""

    async def session(app: web.Application) -> AsyncIterator[None]:
        connector = TCPConnector(limit=256)
        async with ClientSession(connector=connector, auto_decompress=False) as client:
            app["client"] = client
            yield

    async def forward(request: web.Request) -> web.StreamResponse:
        headers = [(n, v) for n, v in request.headers.items() if n.lower() not in _HOP_BY_HOP]
        async with request.app["client"].request(
            request.method,
            origin + request.raw_path,
            headers=headers,
            data=request.content if request.body_exists else None,
            allow_redirects=False,
        ) as upstream:
            answer = web.StreamResponse(status=upstream.status, reason=upstream.reason)
            for name, value in upstream.headers.items():
                if name.lower() not in _HOP_BY_HOP:
                    answer.headers.add(name, value)
            await answer.prepare(request)
            async for piece in upstream.content.iter_chunked(_PIECE_BYTES):
                await answer.write(piece)
            await answer.write_eof()
            return answer

    app = web.Application(client_max_size=0)
    app.cleanup_ctx.append(session)
    app.router.add_route("*", "/{path:.*}", forward)
    return app


if __name__ == "__main__":
    uvloop.install()
    web.run_app(
        create_app(f"http://127.0.0.1:{sys.argv[2]}"),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        access_log=None,
        print=None,
    )
