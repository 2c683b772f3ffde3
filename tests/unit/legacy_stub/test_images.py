"""The image contract, and what the monolith does not do for its customers."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import replace

import httpx
import pytest
import respx
from PIL import Image

from legacy_stub.app import create_app
from legacy_stub.settings import Provider, Settings

MISSING = {"error": "Imagem não encontrada"}


async def order(client: httpx.AsyncClient, **fields: object) -> dict[str, object]:
    answer = await client.post("/images", json=fields)
    assert answer.status_code == 200
    record: dict[str, object] = answer.json()
    return record


async def test_an_order_is_answered_with_the_finished_record(client: httpx.AsyncClient) -> None:
    answer = await client.post("/images", json={"prompt": "café", "product_id": 7})
    assert answer.content == (
        b'{"id":1,"product_id":7,"prompt":"caf\\u00e9","size":"512x512","status":"pronta",'
        b'"url":"/images/1/file"}\n'
    )
    assert (await client.get("/images/1")).content == answer.content
    assert (await client.get("/images")).json() == [answer.json()]


async def test_a_product_is_optional_and_need_not_exist(client: httpx.AsyncClient) -> None:
    assert (await order(client, prompt="x"))["product_id"] is None
    assert (await order(client, prompt="x", product_id=None))["product_id"] is None
    assert (await order(client, prompt="x", product_id=2**63 - 1))["product_id"] == 2**63 - 1


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_the_file_is_whole_and_without_validators(
    client: httpx.AsyncClient, method: str
) -> None:
    await order(client, prompt="mar", size="1536x1024")
    answer = await client.request(method, "/images/1/file", headers={"Range": "bytes=0-0"})
    assert answer.status_code == 200
    assert answer.headers.raw == [(b"content-type", b"image/png"), (b"content-length", b"13")]
    assert answer.content == (b"mar 1536x1024" if method == "GET" else b"")


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({}, "Prompt obrigatório"),
        ([], "Prompt obrigatório"),
        (None, "Prompt obrigatório"),
        ({"prompt": None}, "Prompt obrigatório"),
        ({"prompt": 5}, "Prompt obrigatório"),
        ({"prompt": " \n\u3000"}, "Prompt obrigatório"),
        ({"prompt": "x" * 4001}, "Prompt longo demais"),
        ({"prompt": "x", "size": None}, "Tamanho inválido"),
        ({"prompt": "x", "size": []}, "Tamanho inválido"),
        ({"prompt": "x", "size": "256X256"}, "Tamanho inválido"),
        ({"prompt": "x", "size": "99999x99999"}, "Tamanho inválido"),
        ({"prompt": "x", "product_id": True}, "Produto inválido"),
        ({"prompt": "x", "product_id": 1.0}, "Produto inválido"),
        ({"prompt": "x", "product_id": "1"}, "Produto inválido"),
        ({"prompt": "x", "product_id": 0}, "Produto inválido"),
        ({"prompt": "x", "product_id": 2**63}, "Produto inválido"),
        ({"prompt": "", "size": "", "product_id": 0}, "Prompt obrigatório"),
    ],
)
async def test_a_bad_order_is_200_with_an_error_and_leaves_no_row(
    client: httpx.AsyncClient, fields: object, error: str
) -> None:
    # not json=, which takes None for no body at all
    answer = await client.post(
        "/images", content=json.dumps(fields), headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.json()) == (200, {"error": error})
    assert (await client.get("/images")).json() == []


async def test_a_prompt_of_4000_characters_is_taken(client: httpx.AsyncClient) -> None:
    assert (await order(client, prompt="ç" * 4000))["status"] == "pronta"


@pytest.mark.parametrize(
    ("headers", "content", "status"),
    [
        ({"Content-Type": "application/json"}, b"{", 400),
        ({"Content-Type": "text/plain"}, b'{"prompt":"x"}', 415),
        ({}, b'{"prompt":"x"}', 415),
        ({"Content-Type": "application/json"}, b" " * (1024 * 1024 + 1), 413),
    ],
)
async def test_a_body_that_is_no_order_at_all_is_an_html_page(
    client: httpx.AsyncClient, headers: Mapping[str, str], content: bytes, status: int
) -> None:
    answer = await client.post("/images", content=content, headers=headers)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize("number", ["0", "1", "99999999999999999999"])
async def test_a_missing_image_is_200_with_an_error(client: httpx.AsyncClient, number: str) -> None:
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/file")):
        answer = await client.request(method, f"/images/{number}{path}")
        assert (answer.status_code, answer.json()) == (200, MISSING)


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/images/x", 404, None),
        ("GET", "/images/", 404, None),
        ("GET", "/images/1/thumbnail", 404, None),
        ("PUT", "/images", 405, "GET, HEAD, OPTIONS, POST"),
        ("PUT", "/images/1", 405, "DELETE, GET, HEAD, OPTIONS"),
        ("POST", "/images/1/file", 405, "GET, HEAD, OPTIONS"),
    ],
)
async def test_other_paths_and_methods_get_flasks_pages(
    client: httpx.AsyncClient, method: str, path: str, status: int, allow: str | None
) -> None:
    answer = await client.request(method, path)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers.get("Allow") == allow


async def test_a_deleted_image_is_gone_and_its_id_is_never_given_again(
    client: httpx.AsyncClient,
) -> None:
    """Ids say which side owns a picture, so a number must not come to mean another one."""
    await order(client, prompt="x")
    assert (await client.delete("/images/1")).json() == {"success": "Imagem deletada"}
    assert (await client.get("/images/1/file")).json() == MISSING
    assert (await order(client, prompt="x"))["id"] == 2


async def test_the_same_order_twice_is_drawn_twice(client: httpx.AsyncClient) -> None:
    """There is no cache, and an Idempotency-Key means nothing."""
    key = {"Idempotency-Key": "1"}
    ids = [
        (await client.post("/images", json={"prompt": "x"}, headers=key)).json()["id"]
        for _ in range(2)
    ]
    assert ids == [1, 2]


async def test_a_picture_that_cannot_be_drawn_is_500_and_stays_pendente(
    settings: Settings,
) -> None:
    def fail(_prompt: str, _width: int, _height: int) -> bytes:
        raise MemoryError

    app = create_app(settings, render=fail)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app), base_url="http://shop.test"
        ) as client,
    ):
        answer = await client.post("/images", json={"prompt": "x"})
        assert answer.status_code == 500
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert (await client.get("/images/1")).json()["status"] == "pendente"
        assert (await client.get("/images/1/file")).json() == MISSING


async def test_the_picture_is_an_rgb_png_of_exactly_the_size_ordered(settings: Settings) -> None:
    """With the renderer that the process really uses."""
    app = create_app(settings)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app), base_url="http://shop.test"
        ) as client,
    ):
        await order(client, prompt="praia ao pôr do sol", size="256x256")
        file = await client.get("/images/1/file")
    with Image.open(io.BytesIO(file.content)) as picture:
        assert (picture.format, picture.mode, picture.size) == ("PNG", "RGB", (256, 256))


@pytest.mark.parametrize(
    ("status", "code"), [(400, "moderation_blocked"), (401, "invalid_api_key"), (400, "bad_size")]
)
async def test_whatever_openai_says_no_to_is_500_and_stays_pendente(
    status: int,
    code: str,
    settings: Settings,
    httpx2_mock: respx.Router,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """One line in the log, with nothing in it that the customer or the account must keep."""
    bought = replace(
        settings,
        provider=Provider.OPENAI,
        openai_api_key="sk-secret",
        openai_base_url="https://openai.test/v1",
    )
    error = {"message": "sk-secret: segredo", "code": code, "type": "x", "param": None}
    route = httpx2_mock.post("https://openai.test/v1/images/generations")
    route.respond(status, json={"error": error}, headers={"x-request-id": "req_5"})
    app = create_app(bought)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app), base_url="http://shop.test"
        ) as client,
    ):
        answer = await client.post("/images", json={"prompt": "segredo"})
        assert answer.status_code == 500
        assert answer.text.startswith("<!doctype html>\n<html lang=en>\n<title>500 ")
        assert (await client.get("/images/1")).json()["status"] == "pendente"
    assert caplog.messages == [
        f"no image in POST '/images': OpenAI: status {status}, code {code}, request req_5"
    ]


async def test_a_model_is_not_looked_at_before_the_first_order(
    settings: Settings, httpx2_mock: respx.Router
) -> None:
    """A retired one, or one misspelt, is found out by the customers."""
    bought = replace(
        settings,
        provider=Provider.OPENAI,
        model="dall-e-2",
        openai_api_key="sk-secret",
        openai_base_url="https://openai.test/v1",
    )
    route = httpx2_mock.post("https://openai.test/v1/images/generations")
    error = {"message": "gone", "code": "model_not_found", "type": "x", "param": None}
    route.respond(404, json={"error": error})
    app = create_app(bought)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app), base_url="http://shop.test"
        ) as client,
    ):
        assert route.call_count == 0
        assert (await client.post("/images", json={"prompt": "x"})).status_code == 500
    assert json.loads(route.calls.last.request.content)["model"] == "dall-e-2"
