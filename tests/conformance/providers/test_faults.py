"""No fault of OpenAI buys a picture twice, and each is answered as documented."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path

import pytest

from image_service.errors import PictureError
from image_service.providers import repeating
from image_service.providers.port import Call, Partial
from tests.conformance.providers.cases import CASES, Case, documented
from tests.conformance.providers.conftest import opened, order
from tests.support.fake_openai import FakeOpenAI
from tests.support.fake_openai_answers import FAULTS

_STEPS = [pytest.param(case, way, id=f"{case.fault}-{way}") for case in CASES for way in case.ways]
# What never ends by itself, and so is waited for.
_ENDLESS = {"hang", "drip", "stream-hang"}


async def _ignore(_partial: Partial) -> None:
    """Nobody watches."""


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Own pauses are a thousandth of the real ones; what the answer asks for is waited for."""
    monkeypatch.setattr(repeating, "_FIRST_PAUSE_S", 0.0005)


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize(("case", "way"), _STEPS)
async def test_each_fault_is_answered_as_documented_and_bought_at_most_once(
    fake: FakeOpenAI, case: Case, way: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    fake.script("m1", *[case.fault] * 9)
    call = Call(on_partial=_ignore if way == "stream" else None)
    async with opened(fake.url, timeout_s=0.7 if case.fault in _ENDLESS else 30.0) as provider:
        with pytest.raises(PictureError) as failure:
            await provider.paint(order("marker=m1 private words"), call=call)
    error = failure.value
    assert (error.kind, error.outcome) == (case.kind, case.outcome)
    assert error.provider == "openai/gpt-image-2.5-flare"
    assert len(fake.received()) == case.calls
    assert fake.purchases()["m1"] == (1 if FAULTS[case.fault].costs else 0)
    for text in (str(error), error.reason, caplog.text):
        assert "private" not in text
        assert "sk-very-secret" not in text


@pytest.mark.parametrize("fault", ["ok", "not-a-picture", "wrong-size", "stream-bad-partial"])
async def test_a_stream_that_is_left_early_leaves_nothing_to_the_garbage_collector(
    fake: FakeOpenAI, fault: str
) -> None:
    """Which would close a dozen generators within each other at once."""
    fake.script("m1", fault)
    left: list[str] = []
    usual = sys.get_asyncgen_hooks()

    def note(generator: AsyncGenerator[object, object]) -> None:
        left.append(repr(generator))
        if usual.finalizer is not None:
            usual.finalizer(generator)

    sys.set_asyncgen_hooks(usual.firstiter, note)
    try:
        async with opened(fake.url) as provider:
            with suppress(PictureError):
                await provider.paint(order("marker=m1"), call=Call(on_partial=_ignore))
        gc.collect()
    finally:
        sys.set_asyncgen_hooks(*usual)
    assert left == []


def test_every_fault_of_the_fake_is_in_the_table() -> None:
    """Or brings a picture all the same, or is in the tests of waiting."""
    fine = {"ok", "noise", "webp", "no-usage", "stream-bad-partial"}
    waiting = {"rate-limit", "rate-limit-1s", "rate-limit-date"}
    assert {case.fault for case in CASES} | fine | waiting == set(FAULTS)


def test_the_documentation_has_the_same_table() -> None:
    page = (Path(__file__).parents[3] / "docs" / "image-service.md").read_text()
    rows = [documented(case) for case in CASES]
    assert [line for line in page.splitlines() if line in rows] == rows


def test_nothing_that_may_have_cost_something_is_called_not_bought() -> None:
    assert [
        case.fault for case in CASES if FAULTS[case.fault].costs and case.outcome == "not_bought"
    ] == []


async def test_a_wait_that_the_provider_asks_for_is_kept_and_then_it_is_asked_again(
    fake: FakeOpenAI,
) -> None:
    fake.script("m1", "rate-limit-1s", "rate-limit-date", "ok")
    loop = asyncio.get_running_loop()
    async with opened(fake.url) as provider:
        began = loop.time()
        await provider.paint(order("marker=m1"), call=Call())
    # The date has whole seconds, so it asks for anything from nothing to two.
    assert 1.0 <= loop.time() - began < 5.0
    assert [received.fault for received in fake.received()] == [
        "rate-limit-1s",
        "rate-limit-date",
        "ok",
    ]
    assert fake.purchases()["m1"] == 1


async def test_a_wait_beyond_the_deadline_is_left_to_the_caller(fake: FakeOpenAI) -> None:
    fake.script("m1", "rate-limit-1s")
    async with opened(fake.url) as provider:
        with pytest.raises(PictureError) as failure:
            await provider.paint(order("marker=m1"), call=Call(deadline_s=2.0))
    assert failure.value.retry_after_s == 1.0
    assert len(fake.received()) == 1


async def test_a_deadline_ends_a_call_whose_outcome_is_then_unknown(fake: FakeOpenAI) -> None:
    fake.script("m1", "hang")
    loop = asyncio.get_running_loop()
    async with opened(fake.url) as provider:
        began = loop.time()
        with pytest.raises(PictureError) as failure:
            await provider.paint(order("marker=m1"), call=Call(deadline_s=0.3))
    assert (failure.value.kind, failure.value.outcome) == ("provider-timeout", "unknown")
    assert loop.time() - began < 2.0


async def test_nobody_listening_is_tried_again_and_costs_nothing(
    unused_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repeating, "_FIRST_PAUSE_S", 0.0005)
    async with opened(unused_url) as provider:
        with pytest.raises(PictureError) as failure:
            await provider.paint(order("praia"), call=Call())
    assert (failure.value.kind, failure.value.outcome) == ("provider-unavailable", "not_bought")


async def test_a_deadline_before_anybody_has_taken_the_connection_costs_nothing(
    full_url: str,
) -> None:
    async with opened(full_url) as provider:
        with pytest.raises(PictureError) as failure:
            await provider.paint(order("praia"), call=Call(deadline_s=0.3))
    assert (failure.value.kind, failure.value.outcome) == ("provider-unavailable", "not_bought")


async def test_an_order_given_up_closes_its_call_at_once(fake: FakeOpenAI) -> None:
    fake.script("m1", "hang")
    async with opened(fake.url) as provider:
        loop = asyncio.get_running_loop()
        began = loop.time()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await provider.paint(order("marker=m1"), call=Call())
    assert loop.time() - began < 2.0
    assert len(fake.received()) == 1
