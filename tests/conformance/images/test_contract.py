"""One suite, both sides: a customer cannot tell which of them answers."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator

import httpx
import pytest
from PIL import Image

from image_service.providers.procedural import render
from tests.conformance.images.cases import CASES, FIRST, MISSING, Case
from tests.conformance.images.conftest import Side

# Far from every id that a test's few orders get.
_NONE = 500


async def _send(case: Case, side: Side, new_id: int) -> tuple[httpx.Response, str]:
    """Send a row's request; return the answer, and the body that it ought to have."""

    def filled(text: str) -> str:
        text = text.replace("{id}", str(side.first_id)).replace("{new}", str(new_id))
        return text.replace("{none}", str(side.first_id + _NONE))

    answer = await side.client.request(
        case.method, filled(case.path), content=case.content, headers=case.headers
    )
    return answer, filled(case.body)


async def test_every_request_of_the_table_gets_its_answer(
    side: Side, subtests: pytest.Subtests
) -> None:
    await side.client.post("/images", json=FIRST)
    new_id = side.first_id + 1
    for case in CASES:
        with subtests.test(case.name):
            answer, body = await _send(case, side, new_id)
            new_id += "{new}" in case.body
            assert answer.text == body
            assert answer.status_code == case.status
            assert answer.headers["content-type"] == case.content_type
            listed = answer.headers.get("allow", "").replace(",", "").split()
            assert frozenset(listed) == case.allow


async def test_a_body_that_does_not_say_how_long_it_is_is_limited_too(side: Side) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(2000):
            yield b" " * 1024

    answer = await side.client.post(
        "/images", content=endless(), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 413


@pytest.mark.parametrize("size", ["256x256", "1024x1536"])
async def test_the_picture_is_the_one_that_prompt_and_size_give(side: Side, size: str) -> None:
    """Byte for byte the same on both sides, so that a parallel run can ask for equality."""
    await side.client.post("/images", json={"prompt": "serra à noite", "size": size})
    answer = await side.client.get(f"/images/{side.first_id}/file")
    width, height = (int(part) for part in size.split("x"))
    assert answer.headers["content-type"] == "image/png"
    assert answer.content == render("serra à noite", width, height)
    with Image.open(io.BytesIO(answer.content)) as picture:
        assert (picture.format, picture.mode, picture.size) == ("PNG", "RGB", (width, height))


async def test_head_of_a_picture_says_how_long_it_is(side: Side) -> None:
    await side.client.post("/images", json=FIRST)
    path = f"/images/{side.first_id}/file"
    answer = await side.client.head(path)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == "image/png"
    length = len((await side.client.get(path)).content)
    assert answer.headers["content-length"] == str(length)


async def test_a_deleted_image_is_gone_and_the_others_stay(side: Side) -> None:
    for _ in range(2):
        await side.client.post("/images", json=FIRST)
    path = f"/images/{side.first_id}"
    assert (await side.client.delete(path)).text == '{"success":"Imagem deletada"}\n'
    assert (await side.client.delete(path)).text == MISSING
    assert (await side.client.get(path)).text == MISSING
    assert (await side.client.get(f"{path}/file")).text == MISSING
    assert [image["id"] for image in (await side.client.get("/images")).json()] == [
        side.first_id + 1
    ]


async def test_equal_orders_are_two_images(side: Side) -> None:
    ids = [(await side.client.post("/images", json=FIRST)).json()["id"] for _ in range(2)]
    assert ids == [side.first_id, side.first_id + 1]


async def test_an_empty_shop_lists_nothing(side: Side) -> None:
    answer = await side.client.get("/images")
    assert (answer.text, answer.headers["content-type"]) == ("[]\n", "application/json")
