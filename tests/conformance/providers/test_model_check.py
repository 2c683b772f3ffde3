"""Whether the models are still there, asked of a real server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import respx

from image_service.providers.model_check import ModelCheck, ModelsGoneError
from image_service.providers.openai import Account
from tests.support.fake_openai import DEFAULT_MODELS, FakeOpenAI


@pytest.fixture
def offering(fake: FakeOpenAI) -> Iterator[FakeOpenAI]:
    """The fake, which offers its usual models again in the end."""
    yield fake
    fake.offer(*DEFAULT_MODELS)


class _Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def _check(url: str, clock: _Clock, *models: str) -> ModelCheck:
    account = Account(api_key="sk-very-secret", base_url=url)
    return ModelCheck(models=models, account=account, monotonic=clock)


async def test_a_model_that_ends_is_noticed_after_a_while_and_so_is_its_return(
    offering: FakeOpenAI,
) -> None:
    clock = _Clock()
    models = _check(offering.url, clock, "gpt-image-2")
    await models.check()
    offering.offer("gpt-image-2.6-flare")
    await models.check()
    clock.now += 300.0
    with pytest.raises(ModelsGoneError, match="there is no gpt-image-2 any more"):
        await models.check()
    offering.offer("gpt-image-2")
    with pytest.raises(ModelsGoneError):
        await models.check()
    clock.now += 30.0
    await models.check()


async def test_one_of_several_models_is_enough_and_the_log_names_the_others(
    offering: FakeOpenAI, caplog: pytest.LogCaptureFixture
) -> None:
    offering.offer("gpt-image-2")
    await _check(offering.url, _Clock(), "gpt-image-2.6-flare", "gpt-image-2").check()
    assert "models_gone models=gpt-image-2.6-flare" in caplog.text


async def test_a_provider_that_does_not_answer_proves_nothing(unused_url: str) -> None:
    await _check(unused_url, _Clock(), "gpt-image-2").check()


async def test_a_key_that_is_not_accepted_is_told(httpx2_mock: respx.Router) -> None:
    httpx2_mock.get("https://openai.test/v1/models").respond(401, json={"error": {"message": "x"}})
    with pytest.raises(ModelsGoneError, match="the key is not accepted"):
        await _check("https://openai.test/v1", _Clock(), "gpt-image-2").check()
