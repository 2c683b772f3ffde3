"""The procedural provider, and how it stands in for a slow and moody one."""

from __future__ import annotations

import asyncio
import io
import os
import threading
from collections.abc import Callable

import pytest
from PIL import Image, ImageChops

from image_service import errors
from image_service.contract import SIZES, Order
from image_service.providers.hands import cores
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


@pytest.mark.parametrize("shows_partials", [False, True])
async def test_no_more_pictures_are_painted_at_once_than_there_are_hands(
    monkeypatch: pytest.MonkeyPatch, *, shows_partials: bool
) -> None:
    """Twelve orders at once; all are painted, and nobody paints a third beside two others."""
    lock, at_once, most = threading.Lock(), 0, 0
    picture = render("praia", 64, 64)

    def slow(*_: object) -> bytes:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        # Long enough that all twelve would meet.
        threading.Event().wait(0.02)
        with lock:
            at_once -= 1
        return picture

    monkeypatch.setattr("image_service.providers.local.render", slow)
    monkeypatch.setattr("image_service.providers.local._coarse", slow)
    provider = LocalProvider(Temper(), draw=lambda: 0.5, hands=2)

    async def ignore(_partial: Partial) -> None:
        pass

    call = Call(on_partial=ignore if shows_partials else None)
    painted = await asyncio.gather(*(provider.paint(_order(), call=call) for _ in range(12)))
    assert [each.content for each in painted] == [picture] * 12
    assert most == 2


def test_there_are_as_many_hands_as_cores() -> None:
    assert 1 <= cores() <= (os.cpu_count() or 1)
