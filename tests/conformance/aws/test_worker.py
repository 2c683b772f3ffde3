"""Jobs by way of SQS: done once each, and what cannot be done ends in the queue of the dead."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from image_service.aws.dispatch import AnnounceError, SqsDispatcher
from image_service.aws.messages import write_message
from image_service.contract import SIZES, Order
from image_service.jobs.states import Job, State
from image_service.orders import Wish
from tests.conformance.aws.conftest import BUCKET
from tests.support.aws import Aws
from tests.support.event_source import MAX_RECEIVES, Queues, open_queues
from tests.support.lambda_runtime import (
    Function,
    InvocationError,
    http_event,
    running_function,
)
from tests.support.polling import eventually
from tests.support.shop_orders import open_bench


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ticket:
    job_id: str
    wait_s: float = 0.0


@pytest.fixture(scope="module")
def worker(
    settings: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Function]:
    """The worker function."""
    folder = tmp_path_factory.mktemp("worker")
    handler = "image_service.aws.worker.handler"
    with running_function(handler, folder=folder, environ=settings) as function:
        yield function


@pytest.fixture
def queues(aws: Aws) -> Queues:
    """Empty queues."""
    return open_queues(aws)


def _ordered(database_url: str, *prompts: str) -> list[str]:
    """Take orders that nobody is told of; return the names of their jobs."""

    async def take() -> list[str]:
        async with open_bench(database_url, changes={"IMAGE_DISPATCHER": "table"}) as bench:
            orders = [Order(prompt=p, size=SIZES["256x256"], product_id=None) for p in prompts]
            return [
                (await bench.orders.submit(Wish(order=order, customer="c:1"))).job_id
                for order in orders
            ]

    return asyncio.run(take())


def _jobs(database_url: str, names: list[str]) -> list[Job]:
    async def get() -> list[Job]:
        async with open_bench(database_url, changes={"IMAGE_DISPATCHER": "table"}) as bench:
            entries = [await bench.workshop.reading.job(name) for name in names]
            return [entry.job for entry in entries if entry is not None]

    return asyncio.run(get())


def test_good_jobs_are_done_and_bad_ones_end_among_the_dead(
    worker: Function, queues: Queues, database_url: str
) -> None:
    names = _ordered(database_url, "praia", "serra", "cidade")
    for name in names:
        queues.send(write_message(name))
    bad = ["not JSON", '{"job_id": "no-such-image"}', '{"job_id": "../x"}', "{}"]
    for body in bad:
        queues.send(body)
    polls = 0
    while queues.poll(worker):
        polls += 1
        assert polls <= 4 * MAX_RECEIVES
    assert [job.state for job in _jobs(database_url, names)] == [State.SUCCEEDED] * 3
    assert sorted(queues.dead()) == sorted(bad)


def test_a_job_that_comes_twice_is_done_once(
    worker: Function, queues: Queues, database_url: str, aws: Aws
) -> None:
    """Its picture is taken away in between: nobody paints it a second time."""
    names = _ordered(database_url, "a job that comes twice")
    queues.send(write_message(names[0]))
    assert queues.poll(worker) == 1
    [job] = _jobs(database_url, names)
    assert job.sha256 is not None
    blob = {
        "Bucket": BUCKET,
        "Prefix": f"images/sha256/{job.sha256[:2]}/{job.sha256}",
    }
    s3 = aws.client("s3")
    assert s3.list_objects_v2(**blob)["KeyCount"] == 1
    s3.delete_object(Bucket=BUCKET, Key=blob["Prefix"])
    queues.send(write_message(names[0]))
    assert queues.poll(worker) == 1
    assert s3.list_objects_v2(**blob)["KeyCount"] == 0
    assert queues.poll(worker) == 0


def test_an_order_at_the_api_is_made_by_the_worker_that_the_queue_tells(
    settings: Mapping[str, str], queues: Queues, tmp_path: Path
) -> None:
    """The function that takes it makes nothing: Lambda freezes it after each answer."""
    environ = {**settings, "IMAGE_QUEUE_URL": queues.url, "IMAGE_COMPAT_WAIT_S": "0.1"}
    folders = [tmp_path / "http", tmp_path / "worker"]
    for folder in folders:
        folder.mkdir()
    with (
        running_function(
            "image_service.aws.http.handler", folder=folders[0], environ=environ
        ) as http,
        running_function(
            "image_service.aws.worker.handler", folder=folders[1], environ=environ
        ) as worker,
    ):
        order = {"prompt": "one for the queue", "size": "256x256"}
        headers = {"content-type": "application/json", "prefer": "respond-async"}
        taken = http.invoke(http_event("POST", "/images", headers=headers, body=json.dumps(order)))
        assert taken["statusCode"] == 202
        path = json.loads(str(taken["body"]))["links"]["self"]
        # Announced for a second later, so that it is committed when the worker comes.
        eventually(lambda: queues.poll(worker), "the message")
        job = json.loads(str(http.invoke(http_event("GET", path))["body"]))
        assert (job["status"], job["attempts"]) == ("succeeded", 1)
        # Who waits at the API is answered before it gives up.
        del headers["prefer"]
        answer = http.invoke(http_event("POST", "/images", headers=headers, body=json.dumps(order)))
        assert json.loads(str(answer["body"]))["status"] == "pendente"


def test_a_job_that_is_gone_is_nobodys(worker: Function, queues: Queues) -> None:
    queues.send(write_message("01a20ade-2492-7568-a780-769f19bb6d6d"))
    assert queues.poll(worker) == 1
    assert queues.poll(worker) == 0


def test_an_event_of_something_else_is_an_error(worker: Function) -> None:
    with pytest.raises(InvocationError, match="no records of SQS"):
        worker.invoke({"detail-type": "Scheduled Event"})


def test_a_database_that_is_away_brings_every_message_back(
    settings: Mapping[str, str], queues: Queues, tmp_path: Path
) -> None:
    environ = {
        **settings,
        "IMAGE_SECRET_ID": "",
        "IMAGE_DATABASE_URL": "postgresql+asyncpg://u:p@127.0.0.1:1/x",
    }
    queues.send(write_message("01a20ade-2492-7568-a780-769f19bb6d6d"))
    handler = "image_service.aws.worker.handler"
    with (
        running_function(handler, folder=tmp_path, environ=environ) as function,
        pytest.raises(InvocationError, match="the database cannot be used"),
    ):
        queues.poll(function)
    received = queues.sqs.receive_message(QueueUrl=queues.url)
    assert len(received["Messages"]) == 1


async def test_jobs_are_announced_in_batches_and_not_before_they_are_committed(
    aws: Aws, queues: Queues
) -> None:
    dispatcher = SqsDispatcher(queues.url, client=lambda: aws.client("sqs"))
    await dispatcher.enqueue(None, [_Ticket(job_id=f"job-{number}") for number in range(25)])
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed"]
    found = aws.client("sqs").get_queue_attributes(QueueUrl=queues.url, AttributeNames=names)
    assert [int(found["Attributes"][name]) for name in names] == [0, 25]


async def test_a_queue_that_is_not_there_is_an_error(aws: Aws, queues: Queues) -> None:
    dispatcher = SqsDispatcher(f"{queues.url}-gone", client=lambda: aws.client("sqs"))
    with pytest.raises(AnnounceError):
        await dispatcher.enqueue(None, [_Ticket(job_id="job-1")])
