"""Several providers in order."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_service import errors
from image_service.contract import SIZES, Order
from image_service.providers.breaker import Breaker
from image_service.providers.failover import Failover, Member, may_ask_another, next_member
from image_service.providers.port import Call, Painted

_ORDER = Order(prompt="praia", size=SIZES["256x256"], product_id=None)
_FREE = errors.UnavailableError("down", outcome="not_bought")


class Scripted:
    """Fails as told, once each, and then paints."""

    def __init__(self, name: str, *failures: errors.PictureError) -> None:
        self.name = name
        self.calls: list[Call] = []
        self.is_closed = False
        self._failures = list(failures)

    async def paint(self, order: Order, *, call: Call) -> Painted:
        """Fail or paint."""
        self.calls.append(call)
        await asyncio.sleep(0)
        if self._failures:
            raise self._failures.pop(0)
        return Painted(content=order.prompt.encode(), provider=self.name)

    async def close(self) -> None:
        """Note it."""
        self.is_closed = True


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Say the time."""
        return self.now


def _failover(*providers: Scripted, clock: Clock | None = None) -> Failover:
    members = [Member(provider=provider, can_paint=lambda _order: True) for provider in providers]
    return Failover(members, monotonic=clock or Clock())


async def test_the_first_that_is_well_paints() -> None:
    first, second = Scripted("a"), Scripted("b")
    assert (await _failover(first, second).paint(_ORDER, call=Call())).provider == "a"
    assert second.calls == []


@pytest.mark.parametrize(
    "error",
    [_FREE, errors.RateLimitError("x"), errors.QuotaError("x"), errors.RejectedError("x")],
    ids=lambda error: error.kind,
)
async def test_where_nothing_was_bought_the_next_is_asked(error: errors.PictureError) -> None:
    first, second = Scripted("a", error), Scripted("b")
    assert (await _failover(first, second).paint(_ORDER, call=Call())).provider == "b"


@pytest.mark.parametrize(
    "error",
    [
        errors.ModerationError("forbidden"),
        errors.AnswerTimeoutError("x"),
        errors.UnavailableError("cut"),
        errors.BadPictureError("x", outcome="bought"),
        errors.BadPictureError("x"),
    ],
    ids=lambda error: f"{error.kind} {error.outcome}",
)
async def test_where_something_may_have_been_bought_or_words_are_forbidden_nobody_else_is_asked(
    error: errors.PictureError,
) -> None:
    first, second = Scripted("a", error), Scripted("b")
    with pytest.raises(errors.PictureError) as failure:
        await _failover(first, second).paint(_ORDER, call=Call())
    assert failure.value is error
    assert second.calls == []


async def test_when_nobody_is_left_the_last_failure_counts() -> None:
    last = errors.RateLimitError("last", retry_after_s=3.0)
    with pytest.raises(errors.RateLimitError) as failure:
        await _failover(Scripted("a", _FREE), Scripted("b", last)).paint(_ORDER, call=Call())
    assert failure.value is last


async def test_who_cannot_paint_an_order_is_not_asked_for_it() -> None:
    first, second = Scripted("a"), Scripted("b")
    members = [
        Member(provider=first, can_paint=lambda order: order.size.width > 256),
        Member(provider=second, can_paint=lambda _order: True),
    ]
    failover = Failover(members, monotonic=Clock())
    assert (await failover.paint(_ORDER, call=Call())).provider == "b"
    assert first.calls == []
    with pytest.raises(errors.RejectedError, match="256x256"):
        await Failover(members[:1], monotonic=Clock()).paint(_ORDER, call=Call())


async def test_who_keeps_failing_is_left_alone_until_its_rest_is_over() -> None:
    clock = Clock()
    first, second = Scripted("a", _FREE, _FREE, _FREE), Scripted("b")
    failover = _failover(first, second, clock=clock)
    for _ in range(5):
        await failover.paint(_ORDER, call=Call())
    assert (len(first.calls), len(second.calls)) == (3, 5)
    clock.now += 5.0
    both = await asyncio.gather(*(failover.paint(_ORDER, call=Call()) for _ in range(2)))
    assert [painted.provider for painted in both] == ["a", "b"]
    assert (await failover.paint(_ORDER, call=Call())).provider == "a"


async def test_while_all_rest_the_answer_says_for_how_long() -> None:
    clock = Clock()
    failover = _failover(Scripted("a", errors.RateLimitError("x", retry_after_s=30)), clock=clock)
    with pytest.raises(errors.RateLimitError):
        await failover.paint(_ORDER, call=Call())
    clock.now += 10.0
    with pytest.raises(errors.UnavailableError) as failure:
        await failover.paint(_ORDER, call=Call())
    assert (failure.value.outcome, failure.value.retry_after_s) == ("not_bought", 20.0)


async def test_the_second_gets_what_the_first_left_of_the_time() -> None:
    clock = Clock()

    class Slow(Scripted):
        async def paint(self, order: Order, *, call: Call) -> Painted:
            clock.now += 7.0
            return await super().paint(order, call=call)

    second = Scripted("b")
    await _failover(Slow("a", _FREE), second, clock=clock).paint(
        _ORDER, call=Call(deadline_s=10.0, traceparent="t")
    )
    assert second.calls == [Call(deadline_s=3.0, traceparent="t")]


async def test_an_order_given_up_while_it_tries_does_not_block_the_next_trial() -> None:
    clock = Clock()
    hanging = asyncio.Event()

    class Hanging(Scripted):
        async def paint(self, order: Order, *, call: Call) -> Painted:
            if len(self.calls) == 1:
                self.calls.append(call)
                await hanging.wait()
            return await super().paint(order, call=call)

    failover = _failover(Hanging("a", errors.RateLimitError("x")), clock=clock)
    with pytest.raises(errors.RateLimitError):
        await failover.paint(_ORDER, call=Call())
    clock.now += 5.0
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await failover.paint(_ORDER, call=Call())
    assert (await failover.paint(_ORDER, call=Call())).provider == "a"


async def test_closing_closes_all() -> None:
    providers = Scripted("a"), Scripted("b")
    await _failover(*providers).close()
    assert all(provider.is_closed for provider in providers)


@given(
    able=st.sets(st.integers(0, 3)),
    asked=st.sets(st.integers(0, 3)),
    rests=st.lists(st.none() | st.floats(0, 10), min_size=4, max_size=4),
    now=st.floats(0, 10),
)
def test_who_is_next_can_paint_has_not_failed_is_well_and_is_the_first_such(
    able: set[int], asked: set[int], rests: list[float | None], now: float
) -> None:
    breakers = [Breaker(rests_until=until) for until in rests]
    fit = [
        place for place in range(4) if place in able - asked and breakers[place].may_be_asked(now)
    ]
    assert next_member(able, breakers, asked, now) == (fit[0] if fit else None)


@given(st.sampled_from(["bought", "unknown"]))
def test_money_that_may_be_spent_ends_the_search(outcome: str) -> None:
    for kind in errors.PictureError.__subclasses__():
        error = kind("x")
        error.outcome = "bought" if outcome == "bought" else "unknown"
        assert not may_ask_another(error)
