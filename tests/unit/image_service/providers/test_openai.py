"""The OpenAI provider against a mocked wire: how a connection can break.

What answers can be is in tests/conformance/providers, over real connections.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2
import pytest
import respx

from image_service import errors
from image_service.contract import SIZES, Order, Size
from image_service.providers import repeating
from image_service.providers.openai import Account, OpenAIProvider
from image_service.providers.port import Call

_URL = "https://openai.test/v1/images/generations"
_ORDER = Order(prompt="a private prompt", size=SIZES["1536x1024"], product_id=None)


@pytest.fixture
async def provider(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[OpenAIProvider]:
    monkeypatch.setattr(repeating, "_FIRST_PAUSE_S", 0.0)
    account = Account(api_key="sk-very-secret", base_url="https://openai.test/v1")
    openai = OpenAIProvider(model="gpt-image-2.5-flare", account=account, draw=lambda: 0.0)
    yield openai
    await openai.close()


@pytest.mark.parametrize(
    ("broken", "answer", "calls"),
    [
        (httpx2.ConnectError("refused"), ("provider-unavailable", "not_bought"), 3),
        (httpx2.ConnectTimeout("no route"), ("provider-unavailable", "not_bought"), 3),
        (httpx2.PoolTimeout("busy"), ("provider-unavailable", "not_bought"), 3),
        (httpx2.ReadTimeout("too slow"), ("provider-timeout", "unknown"), 1),
        (httpx2.WriteTimeout("too slow"), ("provider-timeout", "unknown"), 1),
        (httpx2.WriteError("reset"), ("provider-unavailable", "unknown"), 1),
        (httpx2.ReadError("reset"), ("provider-unavailable", "unknown"), 1),
        (httpx2.RemoteProtocolError("cut off"), ("provider-unavailable", "unknown"), 1),
    ],
)
async def test_only_a_connection_that_never_came_about_is_tried_again(
    httpx2_mock: respx.Router,
    provider: OpenAIProvider,
    broken: Exception,
    answer: tuple[str, str],
    calls: int,
) -> None:
    """After the request has begun to leave nobody knows whether it was carried out."""
    route = httpx2_mock.post(_URL).mock(side_effect=broken)
    with pytest.raises(errors.PictureError) as failure:
        await provider.paint(_ORDER, call=Call())
    assert (failure.value.kind, failure.value.outcome) == answer
    assert route.call_count == calls


async def test_a_size_that_no_model_makes_is_refused_before_anything_is_sent(
    httpx2_mock: respx.Router, provider: OpenAIProvider
) -> None:
    odd = Order(prompt="x", size=Size(width=640, height=480), product_id=None)
    with pytest.raises(errors.RejectedError, match="640x480"):
        await provider.paint(odd, call=Call())
    assert httpx2_mock.calls == []


def test_the_key_is_not_shown() -> None:
    assert "sk-very-secret" not in repr(Account(api_key="sk-very-secret", base_url=None))
