"""``POST /images`` for clients that know of jobs, keys and deadlines."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from image_service.errors import ModerationError, RateLimitError
from image_service.jobs.identity import is_job_id
from tests.unit.image_service.conftest import PAID, FakeProvider, RunApp

_ORDER = {"prompt": "praia", "size": "256x256"}
_ASYNC = {"Prefer": "respond-async"}
_FIRST_ID = 1_000_000_001
_KEY = {"Idempotency-Key": '"order-7"'}


async def finished(client: httpx.AsyncClient, path: str) -> httpx.Response:
    """Ask for a job until it is finished."""
    async with asyncio.timeout(5):
        while True:
            answer = await client.get(path, headers={"Prefer": "wait=5"})
            if answer.json()["status"] not in {"queued", "running"}:
                return answer


async def test_a_client_that_prefers_it_is_answered_at_once_with_a_job(
    client: httpx.AsyncClient, provider: FakeProvider
) -> None:
    provider.gate.clear()
    answer = await client.post("/images", json=_ORDER, headers=_ASYNC)
    assert answer.status_code == 202
    assert answer.headers["preference-applied"] == "respond-async"
    assert answer.headers["retry-after"] == "2"
    path = answer.headers["location"]
    assert path == f"/images/jobs/{answer.json()['id']}"
    assert is_job_id(answer.json()["id"])
    assert answer.json()["image_id"] == _FIRST_ID
    provider.gate.set()
    job = (await finished(client, path)).json()
    assert (job["status"], job["progress"], job["attempts"]) == ("succeeded", 1.0, 1)
    assert job["result"]["url"] == f"/images/{_FIRST_ID}/file"
    assert job["result"]["blob"] == f"/images/blobs/{job['result']['sha256']}"
    assert (await client.get(f"/images/{_FIRST_ID}")).json()["status"] == "pronta"


async def test_a_client_that_waits_a_while_gets_the_image_if_it_is_ready_by_then(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.post("/images", json=_ORDER, headers={"Prefer": "wait=10"})
    assert answer.status_code == 200
    assert answer.headers["preference-applied"] == "wait=10"
    assert answer.json()["status"] == "pronta"


async def test_a_client_that_waits_a_while_gets_the_job_if_it_is_not(
    client: httpx.AsyncClient, provider: FakeProvider
) -> None:
    provider.gate.clear()
    answer = await client.post("/images", json=_ORDER, headers={"Prefer": "wait=0"})
    assert answer.status_code == 202
    provider.gate.set()
    assert (await finished(client, answer.headers["location"])).json()["status"] == "succeeded"


async def test_what_is_wrong_is_a_problem_for_clients_that_know_of_jobs(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.post("/images", json={"prompt": ""}, headers=_ASYNC)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "invalid-request"
    assert (await client.post("/images", json={"prompt": ""})).json() == {
        "error": "Prompt obrigatório"
    }


@pytest.mark.parametrize(
    "headers", [{"Idempotency-Key": ""}, {"Idempotency-Key": "x" * 256}, {"Cancel-After": "soon"}]
)
async def test_a_header_that_cannot_be_understood_is_named(
    client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    answer = await client.post("/images", json=_ORDER, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid-header")
    assert next(iter(headers)) in answer.json()["detail"]
    assert (await client.get("/images")).json() == []


async def test_a_refused_picture_has_a_documented_problem(
    client: httpx.AsyncClient, provider: FakeProvider
) -> None:
    provider.failure = ModerationError("status 400")
    answer = await client.post("/images", json=_ORDER, headers={"Prefer": "wait=5"})
    assert answer.status_code == 422
    said = answer.json()
    assert (said["code"], said["retryable"], said["outcome"]) == (
        "moderation-blocked",
        False,
        "not_bought",
    )
    job = (await client.get(said["job"])).json()
    assert job["status"] == "failed"
    assert job["problem"]["code"] == "moderation-blocked"


async def test_a_passing_fault_is_tried_again_without_the_customer(
    client: httpx.AsyncClient, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("image_service.jobs.states._FIRST_WAIT_S", 0.01)
    provider.failures.append(RateLimitError("status 429"))
    answer = await client.post("/images", json=_ORDER)
    assert answer.json()["status"] == "pronta"
    assert provider.prompts == ["praia", "praia"]


async def test_a_repeated_order_is_answered_as_the_first_was(
    client: httpx.AsyncClient, provider: FakeProvider
) -> None:
    first = await client.post("/images", json=_ORDER, headers=_KEY)
    assert "idempotency-replayed" not in first.headers
    again = await client.post("/images", json=_ORDER, headers=_KEY)
    assert again.headers["idempotency-replayed"] == "true"
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert provider.prompts == ["praia"]


async def test_the_answer_stays_when_the_image_is_deleted(
    client: httpx.AsyncClient, provider: FakeProvider
) -> None:
    """The key stands for the answer, not for a fresh picture."""
    first = await client.post("/images", json=_ORDER, headers=_KEY)
    await client.delete(f"/images/{first.json()['id']}")
    again = await client.post("/images", json=_ORDER, headers=_KEY)
    assert again.json() == first.json()
    assert provider.prompts == ["praia"]


async def test_a_failure_is_repeated_as_well(
    client: httpx.AsyncClient, provider: FakeProvider
) -> None:
    provider.failure = ModerationError("status 400")
    first = await client.post("/images", json=_ORDER, headers=_KEY)
    provider.failure = None
    again = await client.post("/images", json=_ORDER, headers=_KEY)
    assert (first.status_code, again.status_code) == (500, 500)
    assert again.headers["idempotency-replayed"] == "true"


async def test_the_second_of_two_at_once_is_told_to_come_back(
    client: httpx.AsyncClient, provider: FakeProvider
) -> None:
    provider.gate.clear()
    first = asyncio.gather(client.post("/images", json=_ORDER, headers=_KEY))
    await provider.started.wait()
    second = await client.post("/images", json=_ORDER, headers=_KEY)
    assert (second.status_code, second.json()["code"]) == (409, "idempotency-conflict")
    assert second.headers["retry-after"] == "2"
    assert (await client.get(second.json()["job"])).json()["status"] == "running"
    provider.gate.set()
    await first
    assert provider.prompts == ["praia"]


async def test_the_second_of_two_at_once_may_be_let_wait_for_the_first(
    run_app: RunApp, provider: FakeProvider
) -> None:
    provider.gate.clear()
    async with run_app(provider, changes={"IMAGE_IDEMPOTENCY_RUNNING": "join"}) as client:
        both = asyncio.gather(
            *(client.post("/images", json=_ORDER, headers=_KEY) for _ in range(2))
        )
        await provider.started.wait()
        provider.gate.set()
        first, second = await both
    assert first.json() == second.json()
    replayed = [answer.headers.get("idempotency-replayed") for answer in (first, second)]
    assert sorted(replayed, key=str) == [None, "true"]
    assert provider.prompts == ["praia"]


async def test_many_at_once_are_one_order(
    client: httpx.AsyncClient, provider: FakeProvider
) -> None:
    answers = await asyncio.gather(
        *(client.post("/images", json=_ORDER, headers={**_ASYNC, **_KEY}) for _ in range(20))
    )
    assert {answer.status_code for answer in answers} <= {200, 202}
    await finished(client, f"/images/jobs/{answers[0].headers['location'].rpartition('/')[2]}")
    assert provider.prompts == ["praia"]
    assert len((await client.get("/images")).json()) == 1


async def test_another_order_under_the_same_key_is_refused(client: httpx.AsyncClient) -> None:
    await client.post("/images", json=_ORDER, headers=_KEY)
    other = await client.post("/images", json=_ORDER | {"prompt": "serra"}, headers=_KEY)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-mismatch")


async def test_another_customer_may_use_the_same_key(
    client: httpx.AsyncClient, provider: FakeProvider
) -> None:
    customers = [{"X-Customer-Id": "1"}, {"X-Customer-Id": "2"}, {"Cookie": "customer=3"}, {}]
    for who in customers:
        await client.post("/images", json=_ORDER, headers={**_KEY, **who})
    assert len(provider.prompts) == len(customers)


async def test_a_key_outlives_the_process(run_app: RunApp, provider: FakeProvider) -> None:
    async with run_app(provider) as client:
        first = await client.post("/images", json=_ORDER, headers=_KEY)
    async with run_app(provider) as client:
        again = await client.post("/images", json=_ORDER, headers=_KEY)
    assert again.content == first.content
    assert provider.prompts == ["praia"]


async def test_a_refused_order_does_not_use_its_key_up(
    run_app: RunApp, provider: FakeProvider
) -> None:
    provider.gate.clear()
    async with run_app(provider, changes={"IMAGE_CUSTOMER_QUEUE_LIMIT": "1"}) as client:
        # Two are being made, one waits.
        for number in range(3):
            await client.post("/images", json=_ORDER, headers=_ASYNC)
            await _begun(provider, min(number + 1, 2))
        headers = {**_ASYNC, **_KEY}
        refused = await client.post("/images", json=_ORDER, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (429, "rate-limited")
        provider.gate.set()
        async with asyncio.timeout(5):
            while refused.status_code == 429:
                refused = await client.post("/images", json=_ORDER, headers=headers)
        assert refused.status_code == 202
        assert "idempotency-replayed" not in refused.headers


async def _begun(provider: FakeProvider, count: int) -> None:
    async with asyncio.timeout(5):
        while len(provider.prompts) < count:  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.005)


async def test_a_full_queue_says_when_to_come_back(run_app: RunApp, provider: FakeProvider) -> None:
    provider.gate.clear()
    async with run_app(provider, changes={"IMAGE_QUEUE_LIMIT": "1"}) as client:
        for number in range(3):
            who = {"X-Customer-Id": str(number)}
            await client.post("/images", json=_ORDER, headers=_ASYNC | who)
            await _begun(provider, min(number + 1, 2))
        full = await client.post("/images", json=_ORDER, headers={"X-Customer-Id": "9"})
        assert (full.status_code, full.json()["code"]) == (503, "queue-full")
        assert int(full.headers["retry-after"]) >= 1
        provider.gate.set()


async def test_a_modest_customer_does_not_wait_for_a_greedy_one(
    client: httpx.AsyncClient, provider: FakeProvider
) -> None:
    provider.gate.clear()
    paths = []
    for number in range(6):
        answer = await client.post(
            "/images", json={"prompt": f"greedy {number}"}, headers={**_ASYNC, "X-Customer-Id": "1"}
        )
        paths.append(answer.headers["location"])
        await _begun(provider, min(number + 1, 2))
    answer = await client.post(
        "/images", json={"prompt": "modest"}, headers={**_ASYNC, "X-Customer-Id": "2"}
    )
    # Two of the greedy one's are being made, and one waits longest of all.
    assert (await client.get(answer.headers["location"])).json()["position"] == 1
    assert (await client.get(paths[3])).json()["position"] == 2
    provider.gate.set()
    await asyncio.gather(*(finished(client, path) for path in paths))
    assert provider.prompts.index("modest") < 4


async def test_a_customer_whose_budget_is_used_up_is_told_what_is_left(
    run_app: RunApp, provider: FakeProvider
) -> None:
    changes = {"IMAGE_CUSTOMER_BUDGET_USD": "0.5"}
    async with run_app(provider, PAID, changes) as client:
        answers = [
            await client.post("/images", json=_ORDER, headers={"X-Customer-Id": "1"})
            for _ in range(3)
        ]
        other = await client.post("/images", json=_ORDER, headers={"X-Customer-Id": "2"})
    assert [answer.status_code for answer in answers] == [200, 200, 402]
    said = answers[2].json()
    assert (said["code"], said["price_usd"], said["left_usd"]) == ("budget-exceeded", 0.2, 0.1)
    assert other.status_code == 200


async def test_what_is_being_made_counts_before_it_is_paid(
    run_app: RunApp, provider: FakeProvider
) -> None:
    provider.gate.clear()
    changes = {"IMAGE_CUSTOMER_BUDGET_USD": "0.5"}
    async with run_app(provider, PAID, changes) as client:
        answers = await asyncio.gather(
            *(client.post("/images", json=_ORDER, headers=_ASYNC) for _ in range(5))
        )
        assert sorted(answer.status_code for answer in answers) == [202, 202, 402, 402, 402]
        provider.gate.set()
        for answer in answers:
            if answer.status_code == 202:
                await finished(client, answer.headers["location"])


async def test_an_order_that_bought_nothing_gives_its_reservation_back(
    run_app: RunApp, provider: FakeProvider
) -> None:
    provider.failure = ModerationError("status 400")
    changes = {"IMAGE_CUSTOMER_BUDGET_USD": "0.3"}
    async with run_app(provider, PAID, changes) as client:
        answers = [await client.post("/images", json=_ORDER) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [500, 500, 500]


async def test_the_shops_own_budget_stops_everybody(
    run_app: RunApp, provider: FakeProvider
) -> None:
    async with run_app(provider, PAID, {"IMAGE_BUDGET_USD": "0.3"}) as client:
        answers = [
            await client.post("/images", json=_ORDER, headers={"X-Customer-Id": who})
            for who in "12"
        ]
    assert [answer.status_code for answer in answers] == [200, 503]
    assert answers[1].json()["code"] == "global-budget-exceeded"
    assert "left_usd" not in answers[1].json()


async def test_the_providers_call_carries_the_customers_trace_and_no_name(
    client: httpx.AsyncClient, provider: FakeProvider
) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    headers = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01", "X-Customer-Id": "maria"}
    await client.post("/images", json=_ORDER, headers=headers)
    [call] = provider.calls
    assert call.traceparent is not None
    assert call.traceparent.startswith(f"00-{trace}-")
    assert "00f067aa0ba902b7" not in call.traceparent
    assert call.safety_identifier is not None
    assert "maria" not in call.safety_identifier
    assert call.on_partial is None


async def test_a_service_may_answer_before_the_picture_is_there(
    run_app: RunApp, provider: FakeProvider
) -> None:
    """The one difference from the monolith that a customer could see, off by default."""
    provider.gate.clear()
    async with run_app(provider, changes={"IMAGE_COMPAT_WAIT_S": "0.05"}) as client:
        answer = await client.post("/images", json=_ORDER)
        assert (answer.status_code, answer.json()["status"]) == (200, "pendente")
        provider.gate.set()
