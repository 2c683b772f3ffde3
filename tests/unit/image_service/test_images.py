"""The picture's file, which the service serves better than the monolith does."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import httpx
import pytest

from tests.unit.image_service.conftest import FakeProvider, RunApp, order


async def test_a_picture_is_tagged_with_its_hash(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"/images/{await order(client)}/file")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["etag"] == f'"{hashlib.sha256(answer.content).hexdigest()}"'
    assert answer.headers["cache-control"] == "private, no-cache"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["content-length"] == str(len(answer.content))


async def test_a_client_that_holds_the_picture_is_not_sent_it_again(
    client: httpx.AsyncClient,
) -> None:
    path = f"/images/{await order(client)}/file"
    etag = (await client.get(path)).headers["etag"]
    answer = await client.get(path, headers=[("If-None-Match", '"x"'), ("If-None-Match", etag)])
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["etag"] == etag
    assert answer.headers["cache-control"] == "private, no-cache"


async def test_a_download_is_resumed_where_it_broke_off(client: httpx.AsyncClient) -> None:
    path = f"/images/{await order(client)}/file"
    whole = await client.get(path)
    answer = await client.get(
        path, headers={"Range": "bytes=100-", "If-Range": whole.headers["etag"]}
    )
    size = len(whole.content)
    assert answer.status_code == 206
    assert answer.headers["content-range"] == f"bytes 100-{size - 1}/{size}"
    assert answer.content == whole.content[100:]


async def test_a_range_past_the_end_says_how_long_the_picture_is(
    client: httpx.AsyncClient,
) -> None:
    path = f"/images/{await order(client)}/file"
    size = len((await client.get(path)).content)
    answer = await client.get(path, headers={"Range": f"bytes={size}-"})
    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{size}"


async def test_head_tells_what_get_would(client: httpx.AsyncClient) -> None:
    path = f"/images/{await order(client)}/file"
    whole, head = await client.get(path), await client.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers.pop("x-request-id") != whole.headers.pop("x-request-id")
    assert dict(head.headers) == dict(whole.headers)


async def test_deleting_one_of_two_equal_images_keeps_the_picture_of_the_other(
    client: httpx.AsyncClient,
) -> None:
    first, second = await order(client), await order(client)
    picture = (await client.get(f"/images/{second}/file")).content
    await client.delete(f"/images/{first}")
    assert (await client.get(f"/images/{second}/file")).content == picture


async def test_a_lost_blob_is_the_servers_fault(
    client: httpx.AsyncClient, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    image_id = await order(client)
    shutil.rmtree(tmp_path / "blobs")
    answer = await client.get(f"/images/{image_id}/file")
    assert answer.status_code == 500
    assert "is missing" in caplog.text


async def test_a_prompt_with_a_zero_character_comes_back_as_it_was(
    client: httpx.AsyncClient,
) -> None:
    prompt = "praia \0 \\0 \\\\ C:\\neve"
    answer = await client.post("/images", json={"prompt": prompt, "size": "256x256"})
    assert answer.json()["prompt"] == prompt
    assert (await client.get("/images")).json()[0]["prompt"] == prompt


async def test_images_are_there_after_a_restart(run_app: RunApp) -> None:
    async with run_app(FakeProvider()) as client:
        image_id = await order(client)
        listed = (await client.get("/images")).json()
        picture = (await client.get(f"/images/{image_id}/file")).content
    async with run_app(FakeProvider()) as client:
        assert (await client.get("/images")).json() == listed
        assert (await client.get(f"/images/{image_id}/file")).content == picture
        assert await order(client) == image_id + 1
