"""Pictures under the hash of their content."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from PIL import Image

from image_service.blobs import FolderBlobs
from image_service.providers.procedural import render
from tests.unit.image_service.conftest import FakeProvider, RunApp, order

_PNG = render("praia", 256, 256)
_SHA256 = hashlib.sha256(_PNG).hexdigest()
_URL = f"/images/blobs/{_SHA256}"
_FOREVER = "public, max-age=31536000, immutable"


@pytest.fixture
async def blobs(tmp_path: Path) -> FolderBlobs:
    """The store of the running service, with one picture in it."""
    store = FolderBlobs(tmp_path / "blobs")
    assert await store.put(_PNG) == _SHA256
    return store


@pytest.fixture
async def client(
    run_app: RunApp, provider: FakeProvider, blobs: FolderBlobs
) -> AsyncIterator[httpx.AsyncClient]:
    """A customer of the running service."""
    del blobs
    async with run_app(provider) as customer:
        yield customer


def _digest(content: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


async def test_an_original_is_sent_byte_for_byte_and_for_ever(client: httpx.AsyncClient) -> None:
    answer = await client.get(_URL, headers={"Accept": "image/avif"})
    assert (answer.status_code, answer.content) == (200, _PNG)
    assert len(answer.headers.pop("x-request-id")) == 32
    assert answer.headers.pop("x-build")
    assert dict(answer.headers) == {
        "etag": f'"{_SHA256}"',
        "accept-ranges": "bytes",
        "x-content-type-options": "nosniff",
        "cache-control": _FOREVER,
        "content-security-policy": (
            "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
        ),
        "repr-digest": _digest(_PNG),
        "content-length": str(len(_PNG)),
        "content-type": "image/png",
    }


async def test_the_picture_of_an_order_is_found_under_its_hash(client: httpx.AsyncClient) -> None:
    file = await client.get(f"/images/{await order(client)}/file")
    blob = await client.get(f"/images/blobs/{file.headers['etag'].strip(chr(34))}")
    assert blob.content == file.content


async def test_provenance_in_the_file_stays_in_the_original(
    client: httpx.AsyncClient, blobs: FolderBlobs
) -> None:
    """A C2PA manifest is a chunk of its own, and signs the bytes around it."""
    manifest = b"\x00\x00\x00\x08caBXjumb-box" + b"\x12\x34\x56\x78"
    signed = _PNG[:33] + manifest + _PNG[33:]
    sha256 = await blobs.put(signed)
    assert (await client.get(f"/images/blobs/{sha256}")).content == signed
    assert (await client.get(f"/images/blobs/{sha256}.png")).content == signed


async def test_the_suffix_of_the_original_is_the_original(client: httpx.AsyncClient) -> None:
    assert (await client.get(f"{_URL}.png")).content == _PNG


@pytest.mark.parametrize(
    ("suffix", "media_type"),
    [(".avif", "image/avif"), (".webp", "image/webp"), (".jpg", "image/jpeg")],
)
async def test_a_derivative_has_a_tag_and_a_digest_of_its_own(
    client: httpx.AsyncClient, suffix: str, media_type: str
) -> None:
    answer = await client.get(f"{_URL}{suffix}?w=64")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == media_type
    assert answer.headers["etag"] == f'"{hashlib.sha256(answer.content).hexdigest()}"'
    assert answer.headers["etag"] != f'"{_SHA256}"'
    assert answer.headers["repr-digest"] == _digest(answer.content)
    assert answer.headers["cache-control"] == _FOREVER
    assert answer.headers["link"] == f'<{_URL}>; rel="canonical"'
    assert "vary" not in answer.headers
    with Image.open(io.BytesIO(answer.content)) as picture:
        assert picture.size == (64, 64)


async def test_a_size_without_a_format_is_negotiated_and_says_so(
    client: httpx.AsyncClient,
) -> None:
    tags = set()
    for accept, media_type in (("image/avif,*/*", "image/avif"), ("*/*", "image/jpeg")):
        answer = await client.get(f"{_URL}?w=64", headers={"Accept": accept})
        assert answer.headers["content-type"] == media_type
        assert answer.headers["vary"] == "Accept"
        tags.add(answer.headers["etag"])
        again = await client.get(
            f"{_URL}?w=64", headers={"Accept": accept, "If-None-Match": answer.headers["etag"]}
        )
        assert (again.status_code, again.headers["vary"]) == (304, "Accept")
    assert len(tags) == 2
    refused = await client.get(f"{_URL}?w=64", headers={"Accept": "text/html"})
    assert (refused.status_code, refused.headers["vary"]) == (406, "Accept")


@pytest.mark.parametrize("suffix", ["", ".webp?w=64"])
async def test_whoever_holds_it_is_not_sent_it_again(
    client: httpx.AsyncClient, suffix: str
) -> None:
    etag = (await client.get(_URL + suffix)).headers["etag"]
    answer = await client.get(_URL + suffix, headers={"If-None-Match": f'"x", W/{etag}'})
    assert (answer.status_code, answer.content) == (304, b"")
    assert (answer.headers["etag"], answer.headers["cache-control"]) == (etag, _FOREVER)
    assert "content-type" not in answer.headers


@pytest.mark.parametrize("suffix", ["", ".webp?w=64"])
async def test_a_part_is_sent_of_what_the_customer_has_the_rest_of(
    client: httpx.AsyncClient, suffix: str
) -> None:
    whole = await client.get(_URL + suffix)
    size = len(whole.content)
    for if_range, status in ((whole.headers["etag"], 206), ('"another"', 200)):
        answer = await client.get(
            _URL + suffix, headers={"Range": "bytes=100-199", "If-Range": if_range}
        )
        assert answer.status_code == status
        assert answer.content == (whole.content[100:200] if status == 206 else whole.content)
        # Of the whole representation, also under a part of it (RFC 9530, section 3).
        assert answer.headers["repr-digest"] == _digest(whole.content)
        if status == 206:
            assert answer.headers["content-range"] == f"bytes 100-199/{size}"
    several = await client.get(_URL + suffix, headers={"Range": "bytes=0-9,20-29"})
    assert (several.status_code, several.content) == (200, whole.content)


@pytest.mark.parametrize("suffix", ["", ".webp?w=64"])
async def test_head_tells_what_get_would(client: httpx.AsyncClient, suffix: str) -> None:
    head, whole = await client.head(_URL + suffix), await client.get(_URL + suffix)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers.pop("x-request-id") != whole.headers.pop("x-request-id")
    assert dict(head.headers) == dict(whole.headers)


@pytest.mark.parametrize(
    ("method", "url", "headers", "refusal"),
    [
        ("GET", f"/images/blobs/{'0' * 64}", {}, (404, "not-found")),
        ("GET", f"/images/blobs/{'0' * 64}.webp?w=64", {}, (404, "not-found")),
        ("GET", "/images/blobs/<script>", {}, (404, "not-found")),
        ("GET", f"{_URL}.svg", {}, (404, "not-found")),
        ("GET", f"{_URL}?w=65", {}, (400, "invalid-parameter")),
        ("GET", f"{_URL}?w=300&s=xyz", {}, (403, "invalid-signature")),
        ("GET", f"{_URL}?{'w' * 1000}", {}, (400, "invalid-parameter")),
        ("GET", _URL, {"Range": "bytes=999999999-"}, (416, "range")),
        ("POST", _URL, {}, (405, "method-not-allowed")),
        ("DELETE", _URL, {}, (405, "method-not-allowed")),
        ("GET", f"{_URL}?w=64", {"Accept": "text/html"}, (406, "not-acceptable")),
    ],
)
async def test_a_refusal_is_a_problem_that_no_cache_keeps_and_repeats_nothing(
    client: httpx.AsyncClient,
    method: str,
    url: str,
    headers: dict[str, str],
    refusal: tuple[int, str],
) -> None:
    answer = await client.request(method, url, headers=headers)
    assert answer.status_code == refusal[0]
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert "etag" not in answer.headers
    problem = answer.json()
    assert problem.pop("request_id") == answer.headers["x-request-id"]
    assert (problem["status"], problem["code"]) == refusal
    for word in ("script", "svg", "xyz", "0000", "65"):
        assert word not in json.dumps(problem)


@pytest.mark.parametrize(
    "path",
    [
        "/images/blobs/..%2f..%2fetc%2fpasswd",
        "/images/blobs/../../etc/passwd",
        f"/images/blobs/{_SHA256}%2f..%2fcheck",
        f"/images/blobs/{_SHA256}%00.png",
        f"/images/blobs/%2e%2e/{_SHA256}",
        f"/images/blobs//{_SHA256}",
    ],
)
async def test_no_path_leads_out_of_the_store(client: httpx.AsyncClient, path: str) -> None:
    url = httpx.URL("http://images.test").copy_with(raw_path=path.encode())
    assert (await client.get(url)).status_code == 404


async def test_options_say_what_may_be_done(client: httpx.AsyncClient) -> None:
    answer = await client.options(_URL)
    assert (answer.status_code, answer.headers["allow"]) == (204, "GET, HEAD, OPTIONS")


async def test_forty_customers_who_want_one_thumbnail_get_one(
    client: httpx.AsyncClient, tmp_path: Path
) -> None:
    answers = await asyncio.gather(*(client.get(f"{_URL}.webp?w=64") for _ in range(40)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert len([p for p in (tmp_path / "blobs" / "derived").rglob("*") if p.is_file()]) == 1


async def test_what_is_no_picture_is_only_ever_a_download(
    client: httpx.AsyncClient, blobs: FolderBlobs
) -> None:
    svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
    sha256 = await blobs.put(svg)
    answer = await client.get(f"/images/blobs/{sha256}")
    assert answer.content == svg
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == "attachment"
    refused = await client.get(f"/images/blobs/{sha256}.webp?w=64")
    assert (refused.status_code, refused.json()["code"]) == (422, "not-a-picture")


async def test_a_derivative_that_was_cleared_away_is_made_again(
    client: httpx.AsyncClient, tmp_path: Path
) -> None:
    first = await client.get(f"{_URL}.webp?w=64")
    shutil.rmtree(tmp_path / "blobs" / "derived")
    again = await client.get(f"{_URL}.webp?w=64")
    assert (again.status_code, again.content) == (200, first.content)


async def test_a_blob_that_gc_took_is_not_found(
    client: httpx.AsyncClient, blobs: FolderBlobs
) -> None:
    await client.get(_URL)
    assert await blobs.delete(_SHA256, put_before=2e10)
    assert (await client.get(_URL)).status_code == 404
    assert (await client.get(_URL)).status_code == 404


async def test_a_store_that_fails_is_said_to_be_away_for_a_while(
    client: httpx.AsyncClient, tmp_path: Path
) -> None:
    folder = tmp_path / "blobs" / "sha256" / "00"
    folder.mkdir(exist_ok=True)
    # Reading it fails as a broken disk would.
    (folder / ("0" * 64)).mkdir()
    answer = await client.get(f"/images/blobs/{'0' * 64}")
    assert (answer.status_code, answer.json()["code"]) == (503, "storage-unavailable")
    assert answer.json()["retryable"] is True
    assert answer.headers["retry-after"] == "5"
