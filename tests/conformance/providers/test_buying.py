"""What is ordered, what comes, and what is kept of it."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from image_service.providers.port import Call, Partial, Usage
from tests.conformance.providers.conftest import MODEL, opened, order
from tests.support.fake_openai import FakeOpenAI

_TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def _opened(content: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(content))
    picture.load()
    return picture


async def test_one_png_is_ordered_with_model_size_trace_and_customer(fake: FakeOpenAI) -> None:
    call = Call(traceparent=_TRACE, safety_identifier="c0ffee")
    async with opened(fake.url) as provider:
        painted = await provider.paint(order("praia", "1536x1024"), call=call)
    [received] = fake.received()
    assert received.body == {
        "model": MODEL,
        "prompt": "praia",
        "size": "1536x1024",
        "quality": "auto",
        "n": 1,
        "output_format": "png",
        "safety_identifier": "c0ffee",
    }
    assert received.headers["traceparent"] == _TRACE
    assert received.headers["authorization"] == "Bearer sk-very-secret"
    assert painted.provider == f"openai/{MODEL}"
    assert painted.usage == Usage(
        input_text_tokens=12, input_image_tokens=0, output_tokens=1056, output_text_tokens=None
    )


@pytest.mark.parametrize("traceparent", [None, "", "00-x", f"{_TRACE}\r\nX-Evil: 1", "é"])
async def test_what_is_no_traceparent_is_not_sent(
    fake: FakeOpenAI, traceparent: str | None
) -> None:
    async with opened(fake.url) as provider:
        await provider.paint(order("praia"), call=Call(traceparent=traceparent))
    assert "traceparent" not in fake.received()[0].headers


async def test_a_picture_as_ordered_is_kept_byte_for_byte(fake: FakeOpenAI) -> None:
    async with opened(fake.url) as provider:
        painted = await provider.paint(order("praia"), call=Call())
    assert painted.original is None
    picture = _opened(painted.content)
    assert (picture.format, picture.mode, picture.size) == ("PNG", "RGB", (1024, 1024))
    assert picture.info["Purchase"] == "1"


@pytest.mark.parametrize("side", [256, 512])
async def test_a_small_picture_is_bought_large_and_fitted_and_the_large_one_is_kept(
    fake: FakeOpenAI, side: int
) -> None:
    async with opened(fake.url) as provider:
        painted = await provider.paint(order("praia", f"{side}x{side}"), call=Call())
    assert fake.received()[0].body["size"] == "1024x1024"
    assert _opened(painted.content).size == (side, side)
    assert painted.original is not None
    original = _opened(painted.original)
    assert (original.size, original.info["Purchase"]) == ((1024, 1024), "1")


async def test_another_format_than_ordered_is_kept_beside_the_png_made_of_it(
    fake: FakeOpenAI,
) -> None:
    fake.script("m1", "webp")
    async with opened(fake.url) as provider:
        painted = await provider.paint(order("marker=m1"), call=Call())
    assert _opened(painted.content).format == "PNG"
    assert painted.original is not None
    assert _opened(painted.original).format == "WEBP"


async def test_an_answer_without_usage_has_none(fake: FakeOpenAI) -> None:
    fake.script("m1", "no-usage")
    async with opened(fake.url) as provider:
        assert (await provider.paint(order("marker=m1"), call=Call())).usage is None


async def test_partial_pictures_come_before_the_picture_and_are_asked_for_only_when_wanted(
    fake: FakeOpenAI,
) -> None:
    partials: list[Partial] = []

    async def collect(partial: Partial) -> None:
        partials.append(partial)

    async with opened(fake.url) as provider:
        painted = await provider.paint(order("praia"), call=Call(on_partial=collect))
        await provider.paint(order("praia"), call=Call())
    assert [partial.index for partial in partials] == [0, 1]
    assert all(_opened(partial.content).size == (1024, 1024) for partial in partials)
    assert painted.usage is not None
    first, second = fake.received()
    assert (first.body["stream"], first.body["partial_images"]) == (True, 2)
    assert "stream" not in second.body


async def test_a_partial_picture_that_is_none_is_left_out_and_the_order_goes_on(
    fake: FakeOpenAI,
) -> None:
    fake.script("m1", "stream-bad-partial")
    partials: list[Partial] = []

    async def collect(partial: Partial) -> None:
        partials.append(partial)

    async with opened(fake.url) as provider:
        painted = await provider.paint(order("marker=m1"), call=Call(on_partial=collect))
    assert partials == []
    assert _opened(painted.content).size == (1024, 1024)


async def test_whoever_watches_and_fails_does_not_lose_the_picture(
    fake: FakeOpenAI, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(partial: Partial) -> None:
        raise RuntimeError(f"nobody takes {partial.index}")

    async with opened(fake.url) as provider:
        painted = await provider.paint(order("praia"), call=Call(on_partial=fail))
    assert _opened(painted.content).size == (1024, 1024)
    assert "partial_not_delivered index=0" in caplog.text


async def test_a_server_that_does_not_stream_is_understood_all_the_same(fake: FakeOpenAI) -> None:
    async def ignore(partial: Partial) -> None:
        pytest.fail(f"partial {partial.index} came")

    fake.script("m1", "no-usage")
    async with opened(fake.url) as provider:
        painted = await provider.paint(order("marker=m1"), call=Call(on_partial=ignore))
    assert _opened(painted.content).size == (1024, 1024)
