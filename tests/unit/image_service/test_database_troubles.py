"""A database that fails for a while: orders meanwhile fail, and none after."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager

import httpx
import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from image_service.database import Database
from tests.unit.image_service.conftest import FakeProvider

_ORDER = {"prompt": "praia", "size": "256x256"}


class _Refused(AbstractAsyncContextManager[AsyncConnection]):
    """A transaction that cannot begin."""

    async def __aenter__(self) -> AsyncConnection:
        locked = sqlite3.OperationalError("database is locked")
        raise OperationalError("BEGIN IMMEDIATE", None, locked)

    async def __aexit__(self, *_: object) -> None:
        """End nothing."""


@contextmanager
def _locked() -> Iterator[None]:
    """Let nothing be written, as after seconds of waiting for another program's lock."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Database, "write", lambda _database: _Refused())
        yield


async def test_orders_are_taken_again_as_soon_as_the_database_can_be_written_again(
    client: httpx.AsyncClient, provider: FakeProvider
) -> None:
    with _locked():
        refused = await client.post("/images", json=_ORDER)
    answers = [await client.post("/images", json=_ORDER) for _ in range(3)]
    assert refused.status_code == 500
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert len(provider.calls) == 3


async def test_who_knows_of_jobs_is_told_of_it_as_a_problem_and_the_log_in_one_line(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    with _locked():
        answer = await client.post("/images", json=_ORDER, headers={"Prefer": "respond-async"})
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    [record] = [each for each in caplog.records if each.levelname == "ERROR"]
    assert record.getMessage() == (
        "request_failed method=POST path='/images' "
        "error=(sqlite3.OperationalError) database is locked"
    )
