"""The monolith's change feed over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

import httpx

from image_service.backfill.errors import FeedGoneError, FeedUnavailableError, NotAFeedError
from image_service.backfill.events import Page, Picture, read_page
from image_service.errors import StartupError
from image_service.json_text import JsonError, read_json

PATH = "/changes"
# Beyond the longest wait for news.
_ANSWER_S = 20.0
_CONNECT_S = 5.0
# The feed answers with 1 MiB of payloads, or with one event of whatever length.
_PAGE_BYTES = 64 * 1024 * 1024
_SHOWN_CHARACTERS = 300


class Feed:
    """Reads pages and pictures.

    Args:
        client: Its base URL is the feed's.
    """

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str) -> AsyncIterator[Self]:
        """Open a feed; nothing is asked yet.

        Raises:
            StartupError: It is no URL.
        """
        # The environment's proxies are for other addresses than this one.
        async with httpx.AsyncClient(
            base_url=base_of(url),
            timeout=httpx.Timeout(_ANSWER_S, connect=_CONNECT_S),
            trust_env=False,
            follow_redirects=False,
        ) as client:
            yield cls(client)

    async def page(self, after: str, *, limit: int, wait_s: int = 0) -> Page:
        """Read what follows a cursor; ``wait_s`` seconds at most are waited for news.

        Raises:
            FeedGoneError: There is no going on from that cursor.
            FeedUnavailableError: Nobody answers now.
            NotAFeedError: What answers is no feed.
        """
        asked = {"after": after, "limit": str(limit), "wait": str(wait_s)}
        request = self._client.build_request(
            "GET",
            PATH,
            params=asked,
            timeout=httpx.Timeout(_ANSWER_S + wait_s, connect=_CONNECT_S),
        )
        status, body = await self._answer(request, _PAGE_BYTES)
        if status != httpx.codes.OK:
            raise _refusal(status, body)
        if body is None:
            raise NotAFeedError("the answer", f"longer than {_PAGE_BYTES} bytes")
        try:
            document = read_json(body)
        except JsonError as error:
            raise NotAFeedError("the answer", "no JSON") from error
        return read_page(document)

    async def picture(self, image_id: int, picture: Picture, *, limit_bytes: int) -> bytes | None:
        """Fetch a picture; None when the image has another one by now, or none.

        Raises:
            FeedUnavailableError: Nobody answers now.
            NotAFeedError: What answers is no feed, or the picture is longer than it was told.
        """
        path = f"{PATH}/images/{image_id}/file"
        request = self._client.build_request("GET", path, params={"version": str(picture.version)})
        status, body = await self._answer(request, limit_bytes)
        if status in (httpx.codes.GONE, httpx.codes.NOT_FOUND):
            return None
        if status != httpx.codes.OK:
            raise _refusal(status, body)
        if body is None:
            raise NotAFeedError(path, f"longer than {limit_bytes} bytes")
        return body

    async def acknowledge(self, reader: str, cursor: str) -> None:
        """Say what is taken in: what comes after it is kept for us.

        Raises:
            FeedGoneError: There is no going on from that cursor.
            FeedUnavailableError: Nobody answers now.
            NotAFeedError: The feed refuses it.
        """
        request = self._client.build_request(
            "POST", f"{PATH}/readers/{reader}", json={"cursor": cursor}
        )
        status, body = await self._answer(request, _PAGE_BYTES)
        if status != httpx.codes.OK:
            raise _refusal(status, body)

    async def _answer(self, request: httpx.Request, most_bytes: int) -> tuple[int, bytes | None]:
        """Return status and body; None for a body that is longer than it may be."""
        try:
            response = await self._client.send(request, stream=True)
            try:
                content = bytearray()
                async for piece in response.aiter_bytes():
                    content += piece
                    if len(content) > most_bytes:
                        return response.status_code, None
                return response.status_code, bytes(content)
            finally:
                await response.aclose()
        except httpx.HTTPError as error:
            # The class says what happened; the message may be empty.
            raise FeedUnavailableError(f"{type(error).__name__} {error}".strip()) from error


def base_of(text: str) -> httpx.URL:
    """Read a feed's URL, with or without the path of the feed itself.

    Raises:
        StartupError: It is none, or holds a password, which would be shown in logs.
    """
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.scheme not in ("http", "https") or not url.host or url.query or url.userinfo:
        raise StartupError(
            where="--from-changes",
            why="it is not the URL of a change feed",
            remedy="name host and port alone, such as http://127.0.0.1:8003",
        )
    return url.copy_with(path=url.path.rstrip("/").removesuffix(PATH) + "/", fragment=None)


def _refusal(status: int, body: bytes | None) -> Exception:
    reason, detail = _said(body)
    if status == httpx.codes.GONE and reason:
        return FeedGoneError(reason, detail)
    if status >= httpx.codes.INTERNAL_SERVER_ERROR or status == httpx.codes.TOO_MANY_REQUESTS:
        return FeedUnavailableError(f"status {status} {detail}".strip())
    return NotAFeedError(f"status {status}", detail or "no reason given")


def _said(body: bytes | None) -> tuple[str, str]:
    """Read reason and detail of a problem; empty where there are none."""
    try:
        document = read_json(body or b"")
    except JsonError:
        return "", ""
    if not isinstance(document, dict):
        return "", ""
    reason, detail = document.get("reason"), document.get("detail")
    return str(reason or "")[:_SHOWN_CHARACTERS], str(detail or "")[:_SHOWN_CHARACTERS]
