"""The procedural provider, and how it stands in for a slow and moody one."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable

import pytest
from PIL import Image, ImageChops

from image_service import errors
from image_service.contract import SIZES, Order
from image_service.providers.local import LocalProvider, Temper
from image_service.providers.port import Call, Partial
from image_service.providers.procedural import render


def _order(prompt: str = "praia") -> Order:
    return Order(prompt=prompt, size=SIZES["256x256"], product_id=None)


def _never() -> float:
    return 0.999


async def _duration_s(temper: Temper, draw: Callable[[], float]) -> float:
    loop = asyncio.get_running_loop()
    began = loop.time()
    await LocalProvider(temper, draw=draw).paint(_order(), call=Call())
    return loop.time() - began


async def test_a_picture_follows_from_its_prompt_and_size_alone() -> None:
    painted = await LocalProvider(Temper(), draw=_never).paint(_order(), call=Call())
    assert painted.content == render("praia", 256, 256)
    assert (painted.provider, painted.usage) == ("procedural", None)


async def test_the_delay_varies_by_its_jitter() -> None:
    temper = Temper(delay_s=0.2, jitter=0.5)
    assert await _duration_s(temper, lambda: 0.999) >= 0.295
    assert 0.1 <= await _duration_s(temper, lambda: 0.0) < 0.29


@pytest.mark.parametrize(
    ("prompt", "is_refused"),
    [("uma praia proibida", True), ("PROIBIDA!", True), ("desproibidas", False), ("praia", False)],
)
async def test_an_order_with_a_forbidden_word_is_refused(prompt: str, is_refused: bool) -> None:
    provider = LocalProvider(Temper(moderation_words=frozenset({"proibida"})), draw=_never)
    if not is_refused:
        assert (await provider.paint(_order(prompt), call=Call())).content
        return
    with pytest.raises(errors.ModerationError) as failure:
        await provider.paint(_order(prompt), call=Call())
    assert failure.value.outcome == "not_bought"
    assert "praia" not in str(failure.value)


@pytest.mark.parametrize(("draw", "fails"), [(0.24, True), (0.25, False)])
async def test_as_many_orders_fail_as_wanted(draw: float, fails: bool) -> None:
    provider = LocalProvider(Temper(fail_rate=0.25), draw=lambda: draw)
    if not fails:
        assert (await provider.paint(_order(), call=Call())).content
        return
    with pytest.raises(errors.UnavailableError) as failure:
        await provider.paint(_order(), call=Call())
    assert failure.value.outcome == "not_bought"


async def test_a_deadline_before_the_delay_ends_the_order() -> None:
    provider = LocalProvider(Temper(delay_s=60), draw=_never)
    async with asyncio.timeout(5):
        with pytest.raises(errors.UnavailableError):
            await provider.paint(_order(), call=Call(deadline_s=0.01))


async def test_whoever_watches_sees_the_picture_become_clearer() -> None:
    partials: list[Partial] = []

    async def collect(partial: Partial) -> None:
        partials.append(partial)

    provider = LocalProvider(Temper(), draw=_never)
    painted = await provider.paint(_order(), call=Call(on_partial=collect))
    assert painted.content == render("praia", 256, 256)
    assert [partial.index for partial in partials] == [0, 1]
    distances = [_distance(partial.content, painted.content) for partial in partials]
    assert distances[0] > distances[1] > 0


def _distance(one: bytes, other: bytes) -> float:
    """The mean difference of two pictures, in levels."""
    with Image.open(io.BytesIO(one)) as first, Image.open(io.BytesIO(other)) as second:
        difference = ImageChops.difference(first.convert("L"), second.convert("L"))
    counts = difference.histogram()
    return sum(level * count for level, count in enumerate(counts)) / sum(counts)
