"""Which build this is: named in every answer, so that evidence about one is not taken for another.

A parallel run collects evidence about a build (``build_header: X-Build`` in routes.yaml). Where
nobody names it, it is told by its source: other code, other name.
"""

from __future__ import annotations

import functools
import hashlib
import re
from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from image_service.errors import StartupError

HEADER = "X-Build"
_DIGITS = 12
_NAME = re.compile(r"[\x21-\x7e]{1,80}")
_SOURCES = ("*.py", "*.yaml")


class BuildHeader:
    """Names the build, ``state.build`` of the application, in its answers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, and say who did."""

        async def send_named(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = scope["app"].state.build
            await send(message)

        await self._app(scope, receive, send_named if scope["type"] == "http" else send)


def read_build(text: str | None) -> str:
    """Return ``IMAGE_BUILD``, or, where it is unset, a name made of the code.

    Raises:
        StartupError: It cannot stand in a header.
    """
    if not text:
        return of_sources(Path(__file__).parent)
    if _NAME.fullmatch(text) is None:
        raise StartupError(
            where="IMAGE_BUILD",
            why=f"{text[:80]!r} is no name that a header can hold",
            remedy="set 1 to 80 visible ASCII characters, such as a commit, or unset it",
        )
    return text


@functools.cache
def of_sources(folder: Path) -> str:
    """Return a name for the code in a folder: the same for the same files."""
    digest = hashlib.sha256()
    for path in sorted(path for kind in _SOURCES for path in folder.rglob(kind)):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(folder).as_posix()} {content}\n".encode())
    return digest.hexdigest()[:_DIGITS]
