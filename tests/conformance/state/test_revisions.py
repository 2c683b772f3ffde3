"""Accepted revisions, on both databases."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import StatementError

from gateway.state.database import Database, open_database
from gateway.state.models import RevisionRow
from gateway.state.revisions import Revisions, StoredRevision

AT = datetime(2026, 11, 23, 14, 30, 0, 123456, tzinfo=UTC)
ONE, TWO = "1" * 64, "2" * 64


async def _count(database: Database) -> int:
    async with database.read() as connection:
        return (
            await connection.execute(select(func.count()).select_from(RevisionRow))
        ).scalar_one()


async def test_an_empty_database_has_no_latest_revision(database: Database) -> None:
    assert await Revisions(database).latest() is None


async def test_a_revision_comes_back_as_it_was_accepted(database: Database) -> None:
    text = b"# caf\xc3\xa9 \xff\x00\r\nversion: 1\n"
    number = await Revisions(database).accept(ONE, text, AT)
    expected = StoredRevision(number=number, accepted_at=AT, digest=ONE, text=text)
    assert await Revisions(database).latest() == expected


async def test_numbers_begin_at_one_and_grow(database: Database) -> None:
    revisions = Revisions(database)
    assert [await revisions.accept(digest, b"", AT) for digest in (ONE, TWO)] == [1, 2]


async def test_the_same_file_twice_is_one_revision(database: Database) -> None:
    """The first acceptance's time stands."""
    revisions = Revisions(database)
    first = await revisions.accept(ONE, b"text", AT)
    assert await revisions.accept(ONE, b"text", AT + timedelta(days=1)) == first
    latest = await revisions.latest()
    assert latest is not None
    assert latest.accepted_at == AT
    assert await _count(database) == 1


async def test_going_back_to_an_older_file_is_a_new_revision(database: Database) -> None:
    revisions = Revisions(database)
    numbers = [await revisions.accept(digest, b"", AT) for digest in (ONE, TWO, ONE)]
    assert numbers == sorted(set(numbers))


async def test_a_moment_of_another_zone_comes_back_in_utc(database: Database) -> None:
    await Revisions(database).accept(ONE, b"", AT.astimezone(timezone(timedelta(hours=-3))))
    latest = await Revisions(database).latest()
    assert latest is not None
    assert (latest.accepted_at, latest.accepted_at.tzinfo) == (AT, UTC)


async def test_a_moment_without_zone_is_refused(database: Database) -> None:
    with pytest.raises(StatementError, match="has no time zone"):
        await Revisions(database).accept(ONE, b"", AT.replace(tzinfo=None))


async def test_gateways_that_accept_one_file_at_once_agree_on_its_number(
    url: str, database: Database
) -> None:
    other = open_database(url)
    try:
        numbers = await asyncio.gather(
            *(Revisions(each).accept(ONE, b"", AT) for each in (database, other) * 4)
        )
    finally:
        await other.close()
    assert numbers == [1] * 8
    assert await _count(database) == 1


async def test_a_revision_outlives_the_process(url: str, database: Database) -> None:
    number = await Revisions(database).accept(ONE, b"text", AT)
    await database.close()
    reopened = open_database(url)
    try:
        await reopened.upgrade()
        latest = await Revisions(reopened).latest()
    finally:
        await reopened.close()
    assert latest == StoredRevision(number=number, accepted_at=AT, digest=ONE, text=b"text")
