"""The official client works unchanged, synchronous and asynchronous, and buys nothing twice."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import urllib.request
from typing import Literal

import httpx
import openai
import pytest
from openai.types import ImageGenCompletedEvent, ImageGenPartialImageEvent, ImagesResponse
from PIL import Image

from tests.support.fake_openai import FakeOpenAI


def _opened(encoded: str | None) -> Image.Image:
    assert encoded is not None
    picture = Image.open(io.BytesIO(base64.b64decode(encoded)))
    picture.load()
    return picture


def _pictures(answer: ImagesResponse) -> list[Image.Image]:
    assert answer.data is not None
    return [_opened(datum.b64_json) for datum in answer.data]


def test_a_picture_comes_as_base64_with_its_usage(buyer: openai.OpenAI, fake: FakeOpenAI) -> None:
    answer = buyer.images.generate(
        model="gpt-image-2.5-flare", prompt="marker=m1", size="1536x1024", quality="low"
    )
    [picture] = _pictures(answer)
    assert (picture.format, picture.size) == ("PNG", (1536, 1024))
    assert (answer.size, answer.quality, answer.output_format) == ("1536x1024", "low", "png")
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (12, 1056)
    assert answer.usage.output_tokens_details is not None
    assert answer.usage.output_tokens_details.image_tokens == 1056
    assert fake.purchases() == {"m1": 1}
    assert fake.received()[0].body["quality"] == "low"


async def test_the_asynchronous_client_gets_the_same(
    async_buyer: openai.AsyncOpenAI, fake: FakeOpenAI
) -> None:
    answers = await asyncio.gather(
        *(async_buyer.images.generate(prompt=f"marker=m{number}") for number in range(4))
    )
    assert [_pictures(answer)[0].size for answer in answers] == [(1024, 1024)] * 4
    assert fake.purchases() == dict.fromkeys(("m0", "m1", "m2", "m3"), 1)


def test_several_pictures_of_one_request_are_several_orders(
    buyer: openai.OpenAI, fake: FakeOpenAI
) -> None:
    answer = buyer.images.generate(prompt="marker=m1", n=3, size="256x256")
    assert [picture.size for picture in _pictures(answer)] == [(256, 256)] * 3
    assert answer.usage is not None
    assert answer.usage.output_tokens == 3 * 1056
    assert fake.purchases() == {"m1": 3}


def test_what_could_be_made_is_answered_though_another_failed(
    buyer: openai.OpenAI, fake: FakeOpenAI
) -> None:
    fake.script("m1", "ok", "moderation", "ok")
    answer = buyer.images.generate(prompt="marker=m1", n=3, size="256x256")
    assert len(_pictures(answer)) == 2


@pytest.mark.parametrize("output_format", ["jpeg", "webp"])
def test_other_formats_are_made_of_the_picture_that_is_kept(
    buyer: openai.OpenAI, fake: FakeOpenAI, output_format: Literal["jpeg", "webp"]
) -> None:
    sizes = []
    for compression in (10, 90):
        answer = buyer.images.generate(
            prompt="praia", output_format=output_format, output_compression=compression
        )
        [picture] = _pictures(answer)
        assert (picture.format, picture.size) == (output_format.upper(), (1024, 1024))
        assert answer.data is not None
        sizes.append(len(answer.data[0].b64_json or ""))
    assert sizes[0] < sizes[1]
    assert {received.body["output_format"] for received in fake.received()} == {"png"}


def test_an_address_can_be_had_instead(painter: openai.OpenAI) -> None:
    answer = painter.images.generate(prompt="praia", size="256x256", response_format="url")
    assert answer.data is not None
    assert answer.data[0].b64_json is None
    assert answer.data[0].url is not None
    with urllib.request.urlopen(answer.data[0].url) as file:  # noqa: S310 - our own address
        picture = Image.open(io.BytesIO(file.read()))
    assert (picture.format, picture.size) == ("PNG", (256, 256))


def test_a_stream_shows_the_picture_while_it_is_made(
    buyer: openai.OpenAI, fake: FakeOpenAI
) -> None:
    stream = buyer.images.generate(
        prompt="marker=m1", size="512x512", stream=True, partial_images=2, output_format="webp"
    )
    events = list(stream)
    *partials, completed = events
    assert [type(event) for event in partials] == [ImageGenPartialImageEvent] * 2
    for index, event in enumerate(partials):
        assert isinstance(event, ImageGenPartialImageEvent)
        assert event.partial_image_index == index
        assert _opened(event.b64_json).size == (512, 512)
    assert isinstance(completed, ImageGenCompletedEvent)
    picture = _opened(completed.b64_json)
    assert (picture.format, picture.size) == ("WEBP", (512, 512))
    assert completed.usage.output_tokens == 1056
    assert fake.purchases() == {"m1": 1}


async def test_a_stream_without_partial_pictures_is_one_event(
    async_buyer: openai.AsyncOpenAI, fake: FakeOpenAI
) -> None:
    stream = await async_buyer.images.generate(prompt="marker=m1", stream=True)
    events = [event async for event in stream]
    assert [type(event) for event in events] == [ImageGenCompletedEvent]
    assert "stream" not in fake.received()[0].body


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize(
    ("fault", "answer"),
    [
        ("moderation", (openai.BadRequestError, "moderation_blocked")),
        ("quota", (openai.InternalServerError, "provider_quota")),
        ("rate-limit-1h", (openai.InternalServerError, "provider_rate_limited")),
        ("bad-key", (openai.InternalServerError, "provider_rejected")),
        ("error-500", (openai.InternalServerError, "provider_unavailable")),
        ("error-504", (openai.InternalServerError, "provider_timeout")),
        ("html-200", (openai.InternalServerError, "provider_bad_answer")),
        ("bomb", (openai.InternalServerError, "provider_bad_answer")),
    ],
)
def test_a_failure_is_the_clients_own_exception_and_is_not_bought_again(
    buyer: openai.OpenAI,
    fake: FakeOpenAI,
    fault: str,
    answer: tuple[type[openai.APIStatusError], str],
    stream: bool,
) -> None:
    """The client repeats a 5xx twice by itself; here it is kept from it."""
    fake.script("m1", *[fault] * 9)
    raised, code = answer

    def generate() -> None:
        if stream:
            list(buyer.images.generate(prompt="marker=m1", stream=True, partial_images=1))
        else:
            buyer.images.generate(prompt="marker=m1")

    with pytest.raises(raised) as failure:
        generate()
    assert failure.value.code == code
    assert "private" not in str(failure.value)
    assert len(fake.received()) == 1


def test_a_stream_that_fails_on_its_way_ends_with_an_error(
    buyer: openai.OpenAI, fake: FakeOpenAI
) -> None:
    fake.script("m1", "stream-error")
    stream = buyer.images.generate(prompt="marker=m1", stream=True, partial_images=1)
    assert isinstance(next(stream), ImageGenPartialImageEvent)
    with pytest.raises(openai.APIError) as failure:
        next(stream)
    assert failure.value.code == "provider_unavailable"
    assert fake.purchases() == {"m1": 1}


@pytest.mark.parametrize(
    ("model", "message"),
    [("dall-e-3", "does not exist here"), ("gpt-image-2", "Ask for gpt-image-2.5-flare")],
)
def test_another_model_than_the_services_own_is_refused(
    buyer: openai.OpenAI, fake: FakeOpenAI, model: str, message: str
) -> None:
    with pytest.raises(openai.NotFoundError, match=message) as failure:
        buyer.images.generate(prompt="praia", model=model)
    assert failure.value.code == "model_not_found"
    assert fake.received() == []


def test_the_models_are_listed(buyer: openai.OpenAI, painter: openai.OpenAI) -> None:
    assert [model.id for model in buyer.models.list()] == ["gpt-image-2.5-flare"]
    assert next(model.id for model in painter.models.list()) == "procedural"
    assert painter.models.retrieve("gpt-image-2").id == "gpt-image-2"
    with pytest.raises(openai.NotFoundError):
        buyer.models.retrieve("dall-e-2")


def test_what_is_not_here_says_so_in_the_same_shape(buyer: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="made from words") as failure:
        buyer.images.edit(image=b"x", prompt="praia")
    assert failure.value.code == "unknown_url"
    with pytest.raises(openai.NotFoundError, match="no such endpoint"):
        buyer.chat.completions.create(model="x", messages=[])


def test_a_parameter_that_is_not_done_is_named(buyer: openai.OpenAI, fake: FakeOpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as failure:
        buyer.images.generate(prompt="praia", background="transparent")
    assert (failure.value.param, failure.value.code) == ("background", "invalid_value")
    assert fake.received() == []


def test_the_renderer_stands_in_for_every_model(painter: openai.OpenAI) -> None:
    """And forbids words, as the real ones do."""
    answer = painter.images.with_raw_response.generate(
        model="gpt-image-2", prompt="praia ao pôr do sol", size="1536x1024"
    )
    assert answer.headers["x-image-provider"] == "procedural"
    [picture] = _pictures(answer.parse())
    assert picture.size == (1536, 1024)
    with pytest.raises(openai.BadRequestError) as failure:
        painter.images.generate(prompt="algo proibido")
    assert failure.value.code == "moderation_blocked"


def test_a_trace_goes_on_to_the_provider_and_the_customer_as_our_own_hash(
    buyer: openai.OpenAI, fake: FakeOpenAI
) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    buyer.images.generate(
        prompt="praia", safety_identifier="c0ffee", extra_headers={"traceparent": trace}
    )
    [received] = fake.received()
    assert received.headers["traceparent"].split("-")[1] == trace.split("-")[1]
    told = received.body["safety_identifier"]
    assert isinstance(told, str)
    assert told != "c0ffee"
    assert len(told) == 64


def test_repetitions_under_one_key_are_one_order(buyer: openai.OpenAI, fake: FakeOpenAI) -> None:
    """So a client that gives each order a key may repeat as often as it likes."""
    key = {"Idempotency-Key": "order-7"}
    answers = [
        buyer.images.with_raw_response.generate(prompt="marker=m1", n=2, extra_headers=key)
        for _ in range(3)
    ]
    assert fake.purchases() == {"m1": 2}
    assert [answer.headers.get("idempotency-replayed") for answer in answers] == [
        None,
        "true",
        "true",
    ]
    first, *others = [answer.parse().data for answer in answers]
    assert others == [first, first]
    with pytest.raises(openai.UnprocessableEntityError) as failure:
        buyer.images.generate(prompt="marker=m2", n=2, extra_headers=key)
    assert failure.value.code == "idempotency_mismatch"


@pytest.mark.parametrize("count", [3, 1])
def test_a_key_with_another_number_of_pictures_buys_none(
    buyer: openai.OpenAI, fake: FakeOpenAI, count: int
) -> None:
    key = {"Idempotency-Key": "order-7"}
    buyer.images.generate(prompt="marker=m1", n=2, extra_headers=key)
    with pytest.raises(openai.UnprocessableEntityError) as failure:
        buyer.images.generate(prompt="marker=m1", n=count, extra_headers=key)
    assert failure.value.code == "idempotency_mismatch"
    assert fake.purchases() == {"m1": 2}


def test_a_client_that_gives_up_waiting_and_repeats_under_its_key_buys_once(
    buyer: openai.OpenAI, fake: FakeOpenAI
) -> None:
    """The official client does so on its own: here its first try ends before the picture comes."""
    impatient = buyer.with_options(timeout=0.5, max_retries=5)
    answer = impatient.images.generate(
        prompt="marker=m1 delay=1.2", extra_headers={"Idempotency-Key": "order-8"}
    )
    assert _pictures(answer)[0].size == (1024, 1024)
    assert fake.purchases() == {"m1": 1}


def test_only_who_wants_an_address_gets_an_image_of_the_shop(painter: openai.OpenAI) -> None:
    painter.images.generate(prompt="praia", size="256x256")
    painter.images.generate(prompt="praia", size="256x256", response_format="url")
    shop = str(painter.base_url).replace("/v1/", "/images")
    with urllib.request.urlopen(shop) as listed:  # noqa: S310 - our own address
        assert len(json.loads(listed.read())) == 1


def test_a_copy_of_a_parallel_run_is_not_painted(buyer: openai.OpenAI, fake: FakeOpenAI) -> None:
    with pytest.raises(openai.PermissionDeniedError):
        buyer.images.generate(prompt="praia", extra_headers={"X-Figueira-Trial": "x"})
    assert fake.received() == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "images/generations", 405),
        ("DELETE", "models", 405),
        ("POST", "models/procedural", 405),
        ("POST", "images/variations", 404),
        ("GET", "models/a%0Ab", 404),
        ("GET", "%0A", 404),
        ("PUT", "files", 404),
    ],
)
def test_whatever_is_not_there_is_refused_in_openais_shape(
    painting_url: str, method: str, path: str, status: int
) -> None:
    answer = httpx.request(method, f"{painting_url}/{path}")
    assert answer.status_code == status
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}
    assert ("allow" in answer.headers) == (status == 405)


def test_a_body_beyond_all_measure_is_refused(painter: openai.OpenAI) -> None:
    with pytest.raises(openai.APIStatusError) as failure:
        painter.images.generate(prompt="x" * 2_000_000)
    assert (failure.value.status_code, failure.value.code) == (413, "request_too_large")
