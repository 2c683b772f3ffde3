"""httpx, with httpcore and h11 beneath."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import httpx

from tests.e2e.third_parties.asks import Ask, Body, Framing, Seen, Session, Skill
from tests.support.content import content

_PATIENCE_S = 60


class Httpx:
    """The client."""

    name = "httpx"
    skills = frozenset({Skill.RAW_NAMES})

    def ask(self, base: str, asks: tuple[Ask, ...]) -> Session:
        """Ask with one client."""
        events: Counter[str] = Counter()
        with httpx.Client(trust_env=False, timeout=_PATIENCE_S) as client:
            seen = tuple(_ask(client, base, ask, events) for ask in asks)
        return Session(seen=seen, connections=events["connection.connect_tcp.complete"])


def _ask(client: httpx.Client, base: str, ask: Ask, events: Counter[str]) -> Seen:
    def note(event: str, _info: object) -> None:
        events[event] += 1

    headers = list(ask.headers)
    upload: Iterator[bytes] | None = None
    if ask.upload is not None:
        upload = content(ask.upload.size_bytes)
        if ask.upload.framing is Framing.LENGTH:
            headers.append(("Content-Length", str(ask.upload.size_bytes)))
    body = Body()
    try:
        with client.stream(
            ask.method,
            base + ask.path,
            headers=headers,
            content=upload,
            follow_redirects=ask.follow,
            extensions={"trace": note},
        ) as answer:
            for piece in answer.iter_bytes():
                body.add(piece)
    except httpx.TransportError as error:
        return Seen(error=type(error).__name__)
    return body.told(
        Seen(
            status=answer.status_code,
            reason=answer.reason_phrase,
            headers=tuple(
                (n.decode("latin-1"), v.decode("latin-1")) for n, v in answer.headers.raw
            ),
            hops=tuple(hop.status_code for hop in answer.history),
        )
    )
