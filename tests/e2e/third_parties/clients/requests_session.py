"""requests, with urllib3 beneath."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import requests

from tests.e2e.third_parties.asks import Ask, Body, Framing, Seen, Session, Skill
from tests.support.content import MIB, content

_PATIENCE_S = 60


class _Sized:
    """A body to read from, of known length: this is how requests is told one."""

    def __init__(self, size_bytes: int) -> None:
        self._size = size_bytes
        self._pieces = content(size_bytes)

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def read(self, _size: int = -1) -> bytes:
        """The next piece; empty at the end."""
        return next(self._pieces, b"")


class Requests:
    """The client."""

    name = "requests"
    skills = frozenset({Skill.RAW_NAMES})

    def ask(self, base: str, asks: tuple[Ask, ...]) -> Session:
        """Ask in one session."""
        with requests.Session() as session:
            session.trust_env = False
            seen = tuple(_ask(session, base, ask) for ask in asks)
            pools: Any = session.get_adapter(base).poolmanager  # type: ignore[attr-defined]  # stubs
            connections = sum(pools.pools[key].num_connections for key in pools.pools.keys())  # noqa: SIM118
        return Session(seen=seen, connections=connections)


def _ask(session: requests.Session, base: str, ask: Ask) -> Seen:
    data: Any = None
    if ask.upload is not None:
        is_chunked = ask.upload.framing is Framing.CHUNKED
        size = ask.upload.size_bytes
        data = content(size) if is_chunked else _Sized(size)
    body = Body()
    try:
        answer = session.request(
            ask.method,
            base + ask.path,
            headers=dict(ask.headers),
            data=data,
            stream=True,
            allow_redirects=ask.follow,
            timeout=_PATIENCE_S,
        )
        with answer:
            for piece in answer.iter_content(MIB):
                body.add(piece)
    except requests.RequestException as error:
        return Seen(error=type(error).__name__)
    return body.told(
        Seen(
            status=answer.status_code,
            reason=answer.reason,
            headers=tuple(answer.raw.headers.items()),
            hops=tuple(hop.status_code for hop in answer.history),
        )
    )
