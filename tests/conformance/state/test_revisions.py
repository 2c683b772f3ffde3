"""Accepted revisions, on both databases."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import StatementError

from gateway.state import revisions as module
from gateway.state.database import Database, open_database
from gateway.state.kept import UNKNOWN, Origin, Refusal, RevisionFacts, StoredRevision
from gateway.state.models import RevisionRow
from gateway.state.revisions import Revisions

AT = datetime(2026, 11, 23, 14, 30, 0, 123456, tzinfo=UTC)
ONE, TWO = "1" * 64, "2" * 64


async def _count(database: Database) -> int:
    async with database.read() as connection:
        return (
            await connection.execute(select(func.count()).select_from(RevisionRow))
        ).scalar_one()


def _stored(number: int, text: bytes) -> StoredRevision:
    facts = RevisionFacts(number=number, accepted_at=AT, digest=ONE, origin=UNKNOWN, diff=None)
    return StoredRevision(facts=facts, text=text)


async def test_an_empty_database_has_no_latest_revision(database: Database) -> None:
    assert await Revisions(database).latest() is None


async def test_a_revision_comes_back_as_it_was_accepted(database: Database) -> None:
    text = b"# caf\xc3\xa9 \xff\x00\r\nversion: 1\n"
    number = await Revisions(database).accept(ONE, text, AT)
    assert await Revisions(database).latest() == _stored(number, text)


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
    assert latest.facts.accepted_at == AT
    assert await _count(database) == 1


async def test_going_back_to_an_older_file_is_a_new_revision(database: Database) -> None:
    revisions = Revisions(database)
    numbers = [await revisions.accept(digest, b"", AT) for digest in (ONE, TWO, ONE)]
    assert numbers == sorted(set(numbers))


async def test_a_moment_of_another_zone_comes_back_in_utc(database: Database) -> None:
    await Revisions(database).accept(ONE, b"", AT.astimezone(timezone(timedelta(hours=-3))))
    latest = await Revisions(database).latest()
    assert latest is not None
    assert (latest.facts.accepted_at, latest.facts.accepted_at.tzinfo) == (AT, UTC)


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
    assert latest == _stored(number, b"text")


async def test_a_revision_tells_who_made_it_how_and_what_changed(database: Database) -> None:
    revisions = Revisions(database)
    await revisions.accept(ONE, b"a\nb\n", AT)
    origin = Origin(author="ana", how="undo --to 1", restores=1)
    number = await revisions.accept(TWO, b"a\nc\n", AT, origin)
    stored = await revisions.get(number)
    assert stored is not None
    assert stored.facts.origin == origin
    assert stored.facts.diff == "@@ -1,2 +1,2 @@\n a\n-b\n+c"


async def test_a_difference_too_large_to_keep_is_left_out(database: Database) -> None:
    revisions = Revisions(database)
    await revisions.accept(ONE, b"", AT)
    number = await revisions.accept(TWO, b"x" * 100 * 1024, AT)
    stored = await revisions.get(number)
    assert stored is not None
    assert (stored.facts.diff, len(stored.text)) == (None, 100 * 1024)


async def test_revisions_are_read_back_from_the_newest_page_by_page(database: Database) -> None:
    revisions = Revisions(database)
    for turn in range(7):
        await revisions.accept(str(turn) * 64, b"%d" % turn, AT)
    first = [facts.number for facts in await revisions.before(None, 3)]
    second = [facts.number for facts in await revisions.before(first[-1], 10)]
    assert first + second == [7, 6, 5, 4, 3, 2, 1]
    assert await revisions.get(8) is None


async def test_what_was_refused_is_kept_once_and_the_oldest_is_dropped(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_KEPT_REFUSALS", 2)
    revisions = Revisions(database)
    bad = [
        Refusal(refused_at=AT, digest=digest, origin=UNKNOWN, problem="routes.yaml:1", problems=2)
        for digest in (ONE, TWO, ONE)
    ]
    for refusal in (bad[0], bad[0], bad[1], bad[1], bad[2]):
        await revisions.refuse(refusal)
    assert await revisions.refusals(10) == [bad[2], bad[1]]
