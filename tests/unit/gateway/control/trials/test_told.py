"""What a candidate says of itself is asked seldom, and read with care."""

from __future__ import annotations

import asyncio

import pytest

from gateway.control.trials.told import LONGEST_BUILD, Told, build_in
from gateway.parallel_run.observation import Answer


async def test_many_who_want_to_know_at_once_ask_once() -> None:
    asked: list[str] = []

    async def ask(path: str) -> Answer:
        asked.append(path)
        await asyncio.sleep(0)
        return Answer(status=200, headers=(), body=b"{}")

    told = Told()
    found = await asyncio.gather(*(told.answer("/backfill", ask) for _ in range(20)))
    assert asked == ["/backfill"]
    assert all(found)


@pytest.mark.parametrize(
    ("body", "build"),
    [
        (b'{"build": "2.4.1"}', "2.4.1"),
        (b'{"build": 7}', "7"),
        (b'{"build": true}', ""),
        (b'{"build": null}', ""),
        (b'{"build": ["2.4.1"]}', ""),
        (b'{"build": "a\\nb"}', ""),
        (b'{"build": "%b"}' % (b"x" * (LONGEST_BUILD + 1)), ""),
        (b"{}", ""),
        (b"not JSON", ""),
        (b"\xff", ""),
        (b"[" * 100_000, ""),
    ],
)
def test_a_build_is_a_name_or_nothing(body: bytes, build: str) -> None:
    assert build_in(Answer(status=200, headers=(), body=body), "$.build") == build
