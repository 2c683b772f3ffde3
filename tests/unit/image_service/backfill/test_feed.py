"""What the feed's port answers, and what becomes of it."""

from __future__ import annotations

import httpx
import pytest

from image_service.backfill.errors import FeedGoneError, FeedUnavailableError, NotAFeedError
from image_service.backfill.events import Picture
from image_service.backfill.feed import Feed, base_of
from image_service.errors import ImageServiceError
from tests.unit.image_service.backfill.documents import page


def feed_that(answer: httpx.Response | Exception) -> Feed:
    """Build a feed whose port answers every request so."""

    def handle(_request: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    transport = httpx.MockTransport(handle)
    return Feed(httpx.AsyncClient(transport=transport, base_url="http://feed.test"))


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        (httpx.ConnectTimeout(""), FeedUnavailableError, "ConnectTimeout"),
        (httpx.Response(503, json={"detail": "busy"}), FeedUnavailableError, "503 busy"),
        (httpx.Response(429), FeedUnavailableError, "429"),
        (httpx.Response(410, json={"reason": "pruned", "detail": "d"}), FeedGoneError, "pruned: d"),
        (httpx.Response(410, text="gone"), NotAFeedError, "status 410"),
        (httpx.Response(302, headers={"Location": "/x"}), NotAFeedError, "status 302"),
        (httpx.Response(200, text="<html>"), NotAFeedError, "no JSON"),
        (httpx.Response(200, text="[" * 100_000), NotAFeedError, "no JSON"),
        (httpx.Response(200, json=[]), NotAFeedError, "no object"),
    ],
)
async def test_each_answer_that_is_no_page_is_told_as_what_it_is(
    answer: httpx.Response | Exception, error: type[ImageServiceError], said: str
) -> None:
    with pytest.raises(error, match=said):
        await feed_that(answer).page("0", limit=1)


async def test_a_page_is_a_page() -> None:
    assert (await feed_that(httpx.Response(200, json=page())).page("0", limit=1)).feed == "f"


@pytest.mark.parametrize("status", [404, 410])
async def test_a_picture_that_was_replaced_is_none(status: int) -> None:
    picture = Picture(version=1, size_bytes=3, sha256=None)
    answer = httpx.Response(status, json={"reason": "another_picture"})
    assert await feed_that(answer).picture(1, picture, limit_bytes=9) is None


async def test_a_picture_that_does_not_end_is_not_read_on() -> None:
    picture = Picture(version=1, size_bytes=3, sha256=None)
    with pytest.raises(NotAFeedError, match="longer than 9 bytes"):
        await feed_that(httpx.Response(200, content=b"x" * 10)).picture(1, picture, limit_bytes=9)


@pytest.mark.parametrize(
    ("text", "base"),
    [
        ("http://127.0.0.1:8003", "http://127.0.0.1:8003/"),
        ("http://127.0.0.1:8003/changes", "http://127.0.0.1:8003/"),
        ("https://shop.test/feed/changes/", "https://shop.test/feed/"),
    ],
)
def test_the_feeds_url_may_be_written_with_its_path(text: str, base: str) -> None:
    assert str(base_of(text)) == base
