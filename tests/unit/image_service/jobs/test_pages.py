"""The job surface: polling, events, cancelling."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest

from image_service.providers.procedural import render
from tests.unit.image_service.conftest import PAID, FakeProvider, RunApp

_ORDER = {"prompt": "praia", "size": "256x256"}
_ASYNC = {"Prefer": "respond-async"}
_UNKNOWN = "/images/jobs/01a20ade-2492-7568-a780-769f19bb6d6d"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One server-sent event."""

    number: int
    kind: str
    data: dict[str, object]


def parse(stream: str) -> list[Told]:
    """Read a whole stream; comments and retry times are left out."""
    told = []
    for block in stream.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if line[:1] != ":")
        if "event" in fields:
            number, data = int(fields["id"]), json.loads(fields["data"])
            told.append(Told(number=number, kind=fields["event"], data=data))
    return told


async def place(client: httpx.AsyncClient, **headers: str) -> str:
    """Order a picture; return where its job is."""
    answer = await client.post("/images", json=_ORDER, headers={**_ASYNC, **headers})
    assert answer.status_code == 202
    return answer.headers["location"]


async def ended(client: httpx.AsyncClient, path: str) -> dict[str, object]:
    """Wait for a job's end; return what is said of it."""
    async with asyncio.timeout(5):
        while True:
            said: dict[str, object] = (await client.get(path, headers={"Prefer": "wait=5"})).json()
            if said["status"] not in {"queued", "running"}:
                return said


@pytest.fixture
async def held(client: httpx.AsyncClient, provider: FakeProvider) -> AsyncIterator[str]:
    """A job that is being made, until the test is over."""
    provider.gate.clear()
    path = await place(client)
    await provider.started.wait()
    yield path
    provider.gate.set()


async def test_a_job_that_has_not_changed_is_not_sent_again(
    client: httpx.AsyncClient, held: str
) -> None:
    answer = await client.get(held)
    assert answer.json()["status"] == "running"
    assert answer.headers["retry-after"] == "2"
    again = await client.get(held, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == answer.headers["etag"]


async def test_a_client_can_wait_for_the_next_change(
    client: httpx.AsyncClient, provider: FakeProvider, held: str
) -> None:
    etag = (await client.get(held)).headers["etag"]
    waiting = asyncio.gather(
        client.get(held, headers={"If-None-Match": etag, "Prefer": "wait=5"}),
        client.get(held, headers={"Prefer": "wait=5"}),
    )
    await asyncio.sleep(0)
    provider.gate.set()
    for answer in await waiting:
        assert answer.json()["status"] == "succeeded"
        assert answer.headers["preference-applied"] == "wait=5"
        assert "retry-after" not in answer.headers


async def test_a_wait_that_is_over_says_how_things_are(
    client: httpx.AsyncClient, held: str
) -> None:
    answer = await client.get(held, headers={"Prefer": "wait=1"})
    assert (answer.status_code, answer.json()["status"]) == (200, "running")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", _UNKNOWN, 404),
        ("GET", "/images/jobs/7", 404),
        ("DELETE", _UNKNOWN, 404),
        ("POST", f"{_UNKNOWN}/cancel", 404),
        ("GET", f"{_UNKNOWN}/events", 404),
        ("PUT", _UNKNOWN, 405),
        ("GET", f"{_UNKNOWN}/cancel", 405),
    ],
)
async def test_what_is_not_there_is_a_problem(
    client: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await client.request(method, path)
    assert answer.status_code == answer.json()["status"] == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert ("allow" in answer.headers) == (status == 405)


async def test_head_and_options_tell_what_there_is(client: httpx.AsyncClient, held: str) -> None:
    head = await client.head(held)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["etag"] == (await client.get(held)).headers["etag"]
    assert (await client.options(held)).headers["allow"] == "DELETE, GET, HEAD, OPTIONS"


async def test_a_job_that_waits_is_canceled_at_once(
    client: httpx.AsyncClient, provider: FakeProvider
) -> None:
    provider.gate.clear()
    paths = [await place(client) for _ in range(3)]
    answer = await client.delete(paths[2])
    assert (answer.status_code, answer.json()["status"]) == (200, "canceled")
    assert answer.json()["cost_usd"] == 0
    provider.gate.set()
    for path in paths[:2]:
        await ended(client, path)
    assert len(provider.prompts) == 2
    images = (await client.get("/images")).json()
    assert sorted(image["status"] for image in images) == ["falhou", "pronta", "pronta"]


async def test_a_job_that_is_being_made_is_broken_off(client: httpx.AsyncClient, held: str) -> None:
    answer = await client.post(f"{held}/cancel")
    assert (answer.status_code, answer.json()["cancel_requested"]) == (202, True)
    assert (await ended(client, held))["status"] == "canceled"


async def test_a_paid_job_that_is_broken_off_counts_as_bought(
    run_app: RunApp, provider: FakeProvider
) -> None:
    provider.gate.clear()
    async with run_app(provider, PAID) as client:
        path = await place(client)
        await provider.started.wait()
        await client.delete(path)
        job = await ended(client, path)
    assert (job["status"], job["cost_usd"]) == ("canceled", 0.2)


async def test_a_finished_job_cannot_be_canceled(client: httpx.AsyncClient) -> None:
    path = await place(client)
    await ended(client, path)
    answer = await client.delete(path)
    assert (answer.status_code, answer.json()["code"]) == (409, "too-late")


async def test_deleting_the_image_cancels_an_order_that_waits(
    client: httpx.AsyncClient, provider: FakeProvider
) -> None:
    provider.gate.clear()
    paths = [await place(client) for _ in range(3)]
    image_id = (await client.get(paths[2])).json()["image_id"]
    await client.delete(f"/images/{image_id}")
    assert (await client.get(paths[2])).json()["problem"]["code"] == "gone"
    provider.gate.set()


async def test_a_job_that_waits_too_long_expires(
    client: httpx.AsyncClient, provider: FakeProvider
) -> None:
    provider.gate.clear()
    paths = [await place(client) for _ in range(2)]
    path = await place(client, **{"Cancel-After": "1"})
    job = await ended(client, path)
    assert (job["status"], job["attempts"]) == ("expired", 0)
    provider.gate.set()
    for other in paths:
        assert (await ended(client, other))["status"] == "succeeded"


async def test_a_job_that_takes_too_long_is_broken_off(
    client: httpx.AsyncClient, provider: FakeProvider
) -> None:
    provider.gate.clear()
    job = await ended(client, await place(client, **{"Cancel-After": "1s"}))
    assert (job["status"], job["attempts"]) == ("expired", 1)
    [call] = provider.calls
    assert call.deadline_s is not None
    assert 0 < call.deadline_s <= 1


async def test_the_stream_tells_everything_from_the_order_to_the_picture(
    client: httpx.AsyncClient,
) -> None:
    path = await place(client)
    answer = await client.get(f"{path}/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store"
    told = parse(answer.text)
    assert [(event.kind, event.data["status"]) for event in told] == [
        ("status", "queued"),
        ("status", "running"),
        ("completed", "succeeded"),
    ]
    assert [event.number for event in told] == [1, 2, 3]
    assert told[-1].data == (await client.get(path)).json()


async def test_a_stream_that_broke_goes_on_where_it_was(client: httpx.AsyncClient) -> None:
    path = await place(client)
    await ended(client, path)
    for seen in range(3):
        answer = await client.get(f"{path}/events", headers={"Last-Event-ID": str(seen)})
        assert [event.number for event in parse(answer.text)] == list(range(seen + 1, 4))


async def test_a_client_that_has_seen_the_end_is_told_to_stop_asking(
    client: httpx.AsyncClient,
) -> None:
    path = await place(client)
    await ended(client, path)
    answer = await client.get(f"{path}/events", headers={"Last-Event-ID": "3"})
    assert (answer.status_code, answer.content) == (204, b"")


async def test_partial_pictures_come_on_the_way_for_who_asks_for_them(
    client: httpx.AsyncClient, provider: FakeProvider
) -> None:
    provider.partials = [render("praia", 64, 64), render("praia", 128, 128)]
    order = _ORDER | {"partial_images": 2}
    answer = await client.post("/images", json=order, headers=_ASYNC)
    told = parse((await client.get(f"{answer.headers['location']}/events")).text)
    assert [event.kind for event in told] == [
        "status",
        "status",
        "partial_image",
        "partial_image",
        "completed",
    ]
    partials = [event.data for event in told if event.kind == "partial_image"]
    assert [(data["index"], data["progress"]) for data in partials] == [(0, 0.25), (1, 0.5)]
    assert all(str(data["url"]).startswith("/images/blobs/") for data in partials)


async def test_a_stopping_service_ends_its_streams(run_app: RunApp, provider: FakeProvider) -> None:
    """Clients come back to the next one, with the number of the last event."""
    provider.gate.clear()
    async with run_app(provider) as client:
        path = await place(client)
        streaming = asyncio.gather(client.get(f"{path}/events"))
        await provider.started.wait()
    [answer] = await streaming
    seen = parse(answer.text)[-1].number
    provider.gate.set()
    async with run_app(provider) as client:
        headers = {"Last-Event-ID": str(seen)}
        told = parse((await client.get(f"{path}/events", headers=headers)).text)
    assert told[0].number > seen
    assert told[-1].data["status"] == "succeeded"


async def test_metrics_count_orders_calls_and_what_waits(
    client: httpx.AsyncClient, held: str
) -> None:
    del held
    await client.post("/images", json={"prompt": "x" * 5000}, headers=_ASYNC)
    text = (await client.get("/metrics")).text
    assert 'figueira_images_jobs{state="running"} 1.0' in text
    assert 'figueira_images_orders_total{answer="taken"} 1.0' in text
    assert "figueira_images_oldest_queued_seconds 0.0" in text


async def test_who_has_seen_more_than_there_was_is_told_the_end(
    client: httpx.AsyncClient, provider: FakeProvider, held: str
) -> None:
    """A number that no event has had yet must not hold a stream open for ever."""
    reading = asyncio.create_task(  # noqa: TID251 - awaited below
        client.get(f"{held}/events", headers={"Last-Event-ID": "900"})
    )
    await asyncio.sleep(0)
    provider.gate.set()
    answer = await asyncio.wait_for(reading, 5)
    assert [told.kind for told in parse(answer.text)][-1:] == ["completed"]
