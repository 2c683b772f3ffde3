"""Both sides call through the listener; the candidate's trial gets what its control got."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
import openai
import pytest

from gateway.control.egress import EgressApp
from gateway.control.egress_door import EgressDoor
from gateway.control.servers import listen, server
from gateway.parallel_run.compare.calls import compare_calls
from gateway.parallel_run.comparison import Comparison, Kind
from gateway.parallel_run.pinned import Book
from gateway.parallel_run.plan import Rules
from gateway.proxy.spawn import spawn
from gateway.routing.snapshot import Address, Backend, Door, Egress, Timeouts
from tests.conformance.egress.painter import Painter, painting

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
now_s = time.time  # noqa: TID251 - the listener's own clock


def egress_to(url: str) -> Egress:
    """Both sides' doors to a provider."""
    parts = urlsplit(url)
    address = Address(host=parts.hostname or "", port=parts.port or 0)
    to = Backend(name="openai", addresses=(address,), timeouts=Timeouts(first_byte_s=30.0))
    doors = tuple(
        Door(side=side, prefix=f"/{side}/v1", to=to, host=str(address), path="/v1")
        for side in ("legacy", "image_service")
    )
    return Egress(host="127.0.0.1", port=0, doors=doors)


@dataclass
class Shop:
    """A provider, the listener, and what a trial does with them."""

    painter: Painter
    book: Book
    url: str

    def client(self, side: str, retries: int = 0) -> openai.AsyncOpenAI:
        """The SDK as a side has it."""
        return openai.AsyncOpenAI(
            api_key="sk-secret", base_url=f"{self.url}/{side}/v1", max_retries=retries
        )

    async def ask(
        self, side: str, prompt: str, *, times: int = 1, retries: int = 0, **more: object
    ) -> list[str]:
        """Buy pictures."""
        pictures = []
        async with self.client(side, retries) as client:
            for _ in range(times):
                answer = await client.images.generate(  # type: ignore[call-overload]  # faults drop and change parameters at will
                    **({"prompt": prompt, "model": "gpt-image-1", "size": "1024x1024"} | more)
                )
                pictures.append(answer.data[0].b64_json)
        return pictures

    async def trial(
        self, ours: dict[str, object], theirs: dict[str, object]
    ) -> tuple[list[str], list[str], Comparison]:
        """A control's exchange and a candidate's, as the engine tells of them."""
        began_s = now_s()
        left = await self.ask("legacy", "a fig", extra_headers=PARENT, **ours)  # type: ignore[arg-type]
        ended_s = now_s()
        self.book.begin("t1", PARENT["traceparent"], "legacy", began_s)
        self.book.end("t1", "legacy", ended_s)
        self.book.begin("t1", PARENT["traceparent"], "image_service", now_s())
        right: list[str] = []
        # What it asked for is looked at; that it got nothing is the pinning's doing.
        with contextlib.suppress(openai.InternalServerError):
            right = await self.ask("image_service", "a fig", extra_headers=PARENT, **theirs)  # type: ignore[arg-type]
        self.book.end("t1", "image_service", now_s())
        settled = self.book.settle("t1")
        assert not settled.is_ambiguous
        return left, right, compare_calls(settled.control, settled.candidate, Rules(), {})


@asynccontextmanager
async def shop_of(book: Book) -> AsyncIterator[Shop]:
    async with painting() as painter:
        app = EgressApp(egress_to(painter.url), book)
        listener = listen("127.0.0.1", 0)
        serving = server(app, http=EgressDoor, drain_s=1.0)
        running = spawn(serving.serve(sockets=[listener]), "egress")
        yield Shop(painter, book, f"http://127.0.0.1:{listener.getsockname()[1]}")
        app.close()
        serving.stop()
        await running.ended()


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    async with shop_of(Book()) as one:
        yield one


async def test_without_pinning_no_picture_is_the_same_and_with_it_each_is(shop: Shop) -> None:
    unpinned = [
        await shop.ask("legacy", "x") != await shop.ask("image_service", "x") for _ in range(20)
    ]
    assert all(unpinned)
    asked = len(shop.painter.asked)
    for number in range(20):
        name, parent = f"t{number}", {"traceparent": f"00-{number:032x}-00f067aa0ba902b7-01"}
        began_s = now_s()
        left = await shop.ask("legacy", "x", extra_headers=parent)
        shop.book.begin(name, parent["traceparent"], "legacy", began_s)
        shop.book.end(name, "legacy", now_s())
        shop.book.begin(name, parent["traceparent"], "image_service", now_s())
        assert await shop.ask("image_service", "x", extra_headers=parent) == left
    assert len(shop.painter.asked) == asked + 20


@pytest.mark.parametrize(
    ("ours", "theirs", "found"),
    [
        ({}, {}, []),
        ({}, {"size": "1536x1024"}, [("call:$[*].body.size", Kind.VALUE)]),
        ({"quality": "low"}, {}, [("call:$[*].body.quality", Kind.MISSING)]),
        ({}, {"times": 2}, [("call:$[*]", Kind.UNMATCHED_CALL)]),
        ({}, {"times": 0}, [("call:$[*]", Kind.UNMATCHED_CALL)]),
        ({}, {"size": "1536x1024", "retries": 2}, [("call:$[*].body.size", Kind.VALUE)]),
    ],
)
async def test_a_fault_in_a_call_is_one_mismatch_and_costs_nothing(
    shop: Shop,
    ours: dict[str, object],
    theirs: dict[str, object],
    found: list[tuple[str, Kind]],
) -> None:
    _, _, comparison = await shop.trial(ours, theirs)
    assert [(each.place, each.kind) for each in comparison.mismatches] == found
    assert len(shop.painter.asked) == 1


async def test_an_error_and_the_retry_behind_it_are_replayed_in_order(shop: Shop) -> None:
    began_s = now_s()
    left = await shop.ask("legacy", "limited", retries=1, extra_headers=PARENT)
    shop.book.begin("t1", PARENT["traceparent"], "legacy", began_s)
    assert len(shop.book.end("t1", "legacy", now_s())) == 2
    shop.book.begin("t1", PARENT["traceparent"], "image_service", now_s())
    with pytest.raises(openai.RateLimitError) as caught:
        await shop.ask("image_service", "limited", extra_headers=PARENT)
    assert caught.value.request_id == "req_1"
    assert await shop.ask("image_service", "limited", extra_headers=PARENT) == left
    assert len(shop.painter.asked) == 2


async def test_a_stream_is_replayed_event_for_event(shop: Shop) -> None:
    async def events(side: str) -> list[str]:
        async with shop.client(side) as client:
            stream = await client.images.generate(
                prompt="x", stream=True, partial_images=2, extra_headers=PARENT
            )
            return [event.model_dump_json() async for event in stream]

    began_s = now_s()
    left = await events("legacy")
    assert len(left) == 3
    shop.book.begin("t1", PARENT["traceparent"], "legacy", began_s)
    shop.book.end("t1", "legacy", now_s())
    shop.book.begin("t1", PARENT["traceparent"], "image_service", now_s())
    assert await events("image_service") == left
    assert len(shop.painter.asked) == 1


def test_the_blocking_client_is_served_as_well() -> None:
    async def paint() -> str:
        async with shop_of(Book()) as shop:

            def ask() -> str:
                with openai.OpenAI(api_key="k", base_url=f"{shop.url}/legacy/v1") as client:
                    data = client.images.generate(prompt="x").data
                return (data or [])[0].b64_json or ""

            return await asyncio.to_thread(ask)

    assert asyncio.run(paint())


@pytest.mark.parametrize("prompt", ["hang up", "cut"])
async def test_a_cut_connection_is_a_cut_connection_live_and_replayed(
    shop: Shop, prompt: str
) -> None:
    began_s = now_s()
    with pytest.raises(openai.APIConnectionError):
        await shop.ask("legacy", prompt, extra_headers=PARENT)
    shop.book.begin("t1", PARENT["traceparent"], "legacy", began_s)
    shop.book.end("t1", "legacy", now_s())
    shop.book.begin("t1", PARENT["traceparent"], "image_service", now_s())
    with pytest.raises(openai.APIConnectionError):
        await shop.ask("image_service", prompt, extra_headers=PARENT)
    assert len(shop.painter.asked) == 1


async def test_a_caller_that_gives_up_is_not_waited_for_at_the_provider(shop: Shop) -> None:
    with pytest.raises(openai.APITimeoutError):
        await shop.ask("legacy", "wait", timeout=0.2)
    async with asyncio.timeout(5):
        await shop.painter.left.wait()


async def test_credentials_cross_and_are_not_kept_and_marks_of_ours_do_not_cross(
    shop: Shop,
) -> None:
    await shop.ask("legacy", "x", extra_headers={**PARENT, "X-Figueira-Trial": "1"})
    head = shop.painter.heads[0]
    assert head["authorization"] == "Bearer sk-secret"
    assert head["host"] == urlsplit(shop.painter.url).netloc
    assert head[":request"] == "POST /v1/images/generations HTTP/1.1"
    assert "x-figueira-trial" not in head
    assert "sk-secret" not in repr([vars(shop.book), *shop.book._passed["legacy"]])


@pytest.mark.parametrize(
    ("path", "host", "status"),
    [
        ("/legacy/v1/models", "evil.example", 421),
        ("/other/v1/models", "127.0.0.1", 404),
        ("/legacy/v10/models", "127.0.0.1", 404),
        ("/legacy/v1/%2e%2e/admin", "127.0.0.1", 400),
        ("/metrics", "127.0.0.1", 404),
        ("/", "localhost:9010", 404),
    ],
)
async def test_what_is_no_call_of_a_side_leads_nowhere(
    shop: Shop, path: str, host: str, status: int
) -> None:
    async with httpx.AsyncClient() as client:
        answer = await client.get(shop.url + path, headers={"Host": host})
    assert answer.status_code == status
    assert "evil" not in answer.text
    assert shop.painter.heads == []


async def test_a_page_in_a_browser_calls_nobody(shop: Shop) -> None:
    """Any page can send a form to loopback; browsers say where it is from."""
    async with httpx.AsyncClient() as client:
        url, asked = f"{shop.url}/legacy/v1/images/generations", {"Origin": "https://evil.example"}
        assert (await client.post(url, headers=asked, content=b"x")).status_code == 403


async def test_a_provider_that_is_down_looks_down() -> None:
    app = EgressApp(egress_to("http://127.0.0.1:1/v1"), Book())
    listener = listen("127.0.0.1", 0)
    serving = server(app, http=EgressDoor, drain_s=1.0)
    running = spawn(serving.serve(sockets=[listener]), "egress")
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/legacy/v1"
    async with openai.AsyncOpenAI(api_key="k", base_url=url, max_retries=0) as client:
        with pytest.raises(openai.APIConnectionError):
            await client.images.generate(prompt="x")
    app.close()
    serving.stop()
    await running.ended()
