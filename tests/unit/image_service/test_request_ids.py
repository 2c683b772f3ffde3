"""A request has one name: in its answer, in what is told of a failure, and in the log."""

from __future__ import annotations

import io
import logging
import re

import httpx
import pytest

from image_service import request_ids
from image_service.errors import AnswerTimeoutError
from image_service.request_ids import NamingFormatter, read_request_id
from tests.unit.image_service.conftest import FakeProvider

_MADE = re.compile("[0-9a-f]{32}")
_ORDER = {"prompt": "praia", "size": "256x256"}
_MINE = {"X-Request-Id": "order-7/a"}
_ASYNC = {"Prefer": "respond-async"}


@pytest.mark.parametrize(
    ("values", "name"),
    [
        (["order-7"], "order-7"),
        (["01J9ZK:a.b_c+d/e=f@g"], "01J9ZK:a.b_c+d/e=f@g"),
        (["x" * 128], "x" * 128),
        (["x" * 129], None),
        ([], None),
        ([""], None),
        (["a", "b"], None),
        (["a b"], None),
        (["-a"], None),
        (["a\tb"], None),
        (["é"], None),
        (["a\n"], None),
        (['"><script>'], None),
    ],
)
def test_only_what_can_stand_in_a_line_of_a_log_is_taken_over(
    values: list[str], name: str | None
) -> None:
    assert read_request_id(values) == name


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/images"),
        ("GET", "/images/7/file"),
        ("PUT", "/images"),
        ("GET", "/nothing"),
        ("GET", "/livez"),
        ("GET", "/images/blobs/x"),
        ("GET", "/images/jobs/x"),
        ("GET", "/v1/nothing"),
        ("POST", "/v1/images/generations"),
    ],
)
async def test_every_answer_bears_the_name_that_came_or_a_new_one(
    client: httpx.AsyncClient, method: str, path: str
) -> None:
    answer = await client.request(method, path, headers=_MINE)
    assert answer.headers.get_list("x-request-id") == ["order-7/a"]
    made = [(await client.request(method, path)).headers["x-request-id"] for _ in range(2)]
    assert made[0] != made[1]
    assert all(_MADE.fullmatch(name) for name in made)


async def test_a_fault_of_our_own_bears_it_as_well(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_store: object, **_asked: int) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("image_service.store.Store.page", fail)
    answer = await client.get("/images", headers=_MINE)
    assert (answer.status_code, answer.headers["x-request-id"]) == (500, "order-7/a")


async def test_a_problem_names_its_request_and_a_jobs_problem_the_one_that_ordered(
    client: httpx.AsyncClient, provider: FakeProvider
) -> None:
    refused = await client.get("/images/jobs/x", headers=_MINE)
    assert refused.json()["request_id"] == "order-7/a"
    provider.failure = AnswerTimeoutError("no answer in time")
    ordered = await client.post("/images", json=_ORDER, headers=_ASYNC | _MINE)
    wait = {"Prefer": "wait=10", "X-Request-Id": "another"}
    job = await client.get(ordered.headers["location"], headers=wait)
    assert job.headers["x-request-id"] == "another"
    assert job.json()["problem"]["request_id"] == "order-7/a"


async def test_lines_about_a_job_name_the_request_that_ordered_it(
    client: httpx.AsyncClient, provider: FakeProvider
) -> None:
    lines = io.StringIO()
    handler = logging.StreamHandler(lines)
    handler.setFormatter(NamingFormatter("%(message)s"))
    logging.getLogger("image_service").addHandler(handler)
    try:
        provider.failure = AnswerTimeoutError("no answer in time")
        for name in ("first", "second"):
            await client.post("/images", json=_ORDER, headers={"X-Request-Id": name})
    finally:
        logging.getLogger("image_service").removeHandler(handler)
    failed = [line for line in lines.getvalue().splitlines() if line.startswith("job_failed")]
    assert [line.rpartition(" ")[2] for line in failed] == ["request=first", "request=second"]
    assert request_ids.CURRENT.get() == ""
