"""Whatever is asked of blobs, the answer is one of few, and a refusal is always the same shape."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import httpx
from hypothesis import given, settings
from hypothesis import strategies as st

from image_service.app import create_app
from image_service.blobs import FolderBlobs
from image_service.providers.procedural import render
from image_service.settings import read_settings

_PNG = render("praia", 64, 64)
_SHA256 = hashlib.sha256(_PNG).hexdigest()
_RECEIVED = frozenset({200, 204, 206, 304})
_REFUSED = frozenset({400, 403, 404, 405, 406, 416, 422})

_text = st.text(st.characters(codec="utf-8"), max_size=30)
_name = st.one_of(
    st.just(_SHA256),
    st.sampled_from([".png", ".webp", ".jpg", ".svg", "/..", "%00"]).map(_SHA256.__add__),
    _text.map(lambda text: quote(text, safe="")),
)
_query = st.lists(
    st.tuples(
        st.sampled_from(["w", "h", "fit", "s", "x"]),
        st.sampled_from(["64", "128", "65", "0", "cover", "contain", ""]) | _text,
    ),
    max_size=4,
)
_value = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60)
_headers = st.fixed_dictionaries(
    {},
    optional={
        "Accept": st.sampled_from(["*/*", "image/avif", "text/html", "image/webp;q=0"]) | _value,
        "Range": st.sampled_from(["bytes=0-9", "bytes=-5", "bytes=9999999-"]) | _value,
        "If-Range": st.sampled_from([f'"{_SHA256}"', '"x"']) | _value,
        "If-None-Match": st.sampled_from([f'"{_SHA256}"', "*"]) | _value,
    },
)
_method = st.sampled_from(["GET", "GET", "GET", "HEAD", "OPTIONS", "POST", "DELETE", "BREW"])
_Request = tuple[str, str, Sequence[tuple[str, str]], dict[str, str]]


@settings(max_examples=12)
@given(st.lists(st.tuples(_method, _name, _query, _headers), min_size=40, max_size=60))
def test_no_request_for_a_blob_breaks_the_service(requests: list[_Request]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_ask_all(Path(folder), requests))


async def _ask_all(folder: Path, requests: list[_Request]) -> None:
    await FolderBlobs(folder / "blobs").put(_PNG)
    app = create_app(
        read_settings(
            {
                "IMAGE_DATABASE_URL": f"sqlite+aiosqlite:///{folder}/images.db",
                "IMAGE_BLOB_URL": f"{folder}/blobs",
                "IMAGE_PROVIDER": "procedural",
            }
        )
    )
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://images.test") as client,
    ):
        for method, name, query, headers in requests:
            url = httpx.URL("http://images.test").copy_with(
                raw_path=f"/images/blobs/{name}?{httpx.QueryParams(list(query))}".encode()
            )
            answer = await client.request(method, url, headers=headers)
            _check(answer, is_ours="/" not in name and name not in ("", ".", ".."))


def _check(answer: httpx.Response, *, is_ours: bool) -> None:
    assert answer.status_code in _RECEIVED | _REFUSED
    if answer.status_code in _REFUSED and is_ours and "%2F" not in str(answer.url):
        assert answer.headers["cache-control"] == "no-store"
        if answer.request.method != "HEAD":
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["status"] == answer.status_code
    if answer.status_code in (200, 206, 304):
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["x-content-type-options"] == "nosniff"
