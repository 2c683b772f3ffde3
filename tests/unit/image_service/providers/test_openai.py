"""The OpenAI provider against a mocked wire."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator

import httpx2
import pytest
import respx

from image_service import errors
from image_service.contract import SIZES, Order
from image_service.providers.openai import OpenAIProvider
from image_service.providers.port import Call

_URL = "https://openai.test/v1/images/generations"
_KEY = "sk-very-secret"
_ORDER = Order(prompt="a private prompt", size=SIZES["1536x1024"], product_id=None)


@pytest.fixture
async def provider() -> AsyncIterator[OpenAIProvider]:
    openai = OpenAIProvider(
        model="gpt-image-2.5-flare", api_key=_KEY, base_url="https://openai.test/v1"
    )
    yield openai
    await openai.close()


def _error(status: int, code: str | None) -> tuple[int, str]:
    error = {"message": f"{_KEY} a private prompt", "code": code, "type": "x", "param": None}
    return status, json.dumps({"error": error})


async def test_one_png_is_ordered_with_our_model_and_size(
    httpx2_mock: respx.Router, provider: OpenAIProvider
) -> None:
    encoded = base64.b64encode(b"picture").decode()
    route = httpx2_mock.post(_URL).respond(json={"created": 1, "data": [{"b64_json": encoded}]})
    assert (await provider.paint(_ORDER, call=Call())).content == b"picture"
    assert json.loads(route.calls.last.request.content) == {
        "model": "gpt-image-2.5-flare",
        "prompt": "a private prompt",
        "size": "1536x1024",
        "n": 1,
        "output_format": "png",
    }


async def test_a_small_picture_is_ordered_in_the_smallest_size_models_make(
    httpx2_mock: respx.Router, provider: OpenAIProvider
) -> None:
    route = httpx2_mock.post(_URL).respond(json={"created": 1, "data": [{"b64_json": ""}]})
    await provider.paint(Order(prompt="x", size=SIZES["256x256"], product_id=None), call=Call())
    assert json.loads(route.calls.last.request.content)["size"] == "1024x1024"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (_error(400, "moderation_blocked"), errors.ModerationError),
        (_error(400, "content_policy_violation"), errors.ModerationError),
        (_error(400, "invalid_size"), errors.RejectedError),
        (_error(401, "invalid_api_key"), errors.RejectedError),
        (_error(403, None), errors.RejectedError),
        (_error(404, "model_not_found"), errors.RejectedError),
        (_error(408, None), errors.AnswerTimeoutError),
        (_error(429, "rate_limit_exceeded"), errors.RateLimitError),
        (_error(429, "insufficient_quota"), errors.QuotaError),
        (_error(500, None), errors.UnavailableError),
        ((502, "<h1>Bad Gateway</h1>"), errors.UnavailableError),
        (_error(504, None), errors.AnswerTimeoutError),
        ((200, "<h1>Hello</h1>"), errors.BadPictureError),
        ((200, "{"), errors.BadPictureError),
        ((200, "[]"), errors.BadPictureError),
        ((200, "{}"), errors.BadPictureError),
        ((200, '{"data": null}'), errors.BadPictureError),
        ((200, '{"data": []}'), errors.BadPictureError),
        ((200, '{"data": [{"url": "http://x"}]}'), errors.BadPictureError),
        ((200, '{"data": [{"b64_json": 5}]}'), errors.BadPictureError),
        ((200, '{"data": [{"b64_json": "%%%"}]}'), errors.BadPictureError),
        ((200, '{"data": ["x"]}'), errors.BadPictureError),
    ],
)
async def test_each_answer_fails_in_its_own_way_and_is_asked_for_once(
    httpx2_mock: respx.Router,
    provider: OpenAIProvider,
    answer: tuple[int, str],
    kind: type[errors.PictureError],
) -> None:
    status, body = answer
    kind_of_body = "application/json" if body[0] in "{[" else "text/html"
    route = httpx2_mock.post(_URL).respond(status, text=body, content_type=kind_of_body)
    with pytest.raises(errors.PictureError) as failure:
        await provider.paint(_ORDER, call=Call())
    assert type(failure.value) is kind
    assert route.call_count == 1
    assert _KEY not in str(failure.value)
    assert "private" not in str(failure.value)


@pytest.mark.parametrize(
    ("broken", "kind"),
    [
        (httpx2.ReadTimeout("too slow"), errors.AnswerTimeoutError),
        (httpx2.ConnectError("refused"), errors.UnavailableError),
        (httpx2.ConnectTimeout("no route"), errors.UnavailableError),
        (httpx2.PoolTimeout("busy"), errors.UnavailableError),
        (httpx2.ReadError("reset"), errors.AnswerTimeoutError),
        (httpx2.RemoteProtocolError("cut off"), errors.AnswerTimeoutError),
    ],
)
async def test_a_connection_that_breaks_after_the_order_went_out_leaves_it_open(
    httpx2_mock: respx.Router,
    provider: OpenAIProvider,
    broken: Exception,
    kind: type[errors.PictureError],
) -> None:
    """Before that nothing was bought; after it nobody knows."""
    route = httpx2_mock.post(_URL).mock(side_effect=broken)
    with pytest.raises(errors.PictureError) as failure:
        await provider.paint(_ORDER, call=Call())
    assert type(failure.value) is kind
    assert route.call_count == 1
