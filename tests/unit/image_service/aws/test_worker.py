"""A batch: each message fails alone, and in time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

import pytest

from image_service.aws.messages import write_message
from image_service.aws.worker import work_batch


class Works:
    """Does jobs named ``good``, fails those named ``bad``, and never ends those named ``slow``.

    Attributes:
        done: In the order in which they were done.
        broken_off: Those that were given up.
    """

    def __init__(self) -> None:
        self.done: list[str] = []
        self.broken_off: list[str] = []

    async def work_one(self, job_id: str) -> None:
        """Do one."""
        if job_id.startswith("bad"):
            raise OSError("the bucket is away")
        if job_id.startswith("slow"):
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.broken_off.append(job_id)
                raise
        self.done.append(job_id)


def _record(job_id: str) -> Mapping[str, object]:
    return {"messageId": f"message of {job_id}", "body": write_message(job_id)}


async def test_a_failed_message_comes_back_alone(caplog: pytest.LogCaptureFixture) -> None:
    works = Works()
    records = [
        _record("good-1"),
        _record("bad-1"),
        {"messageId": "odd", "body": "x"},
        _record("good-2"),
    ]
    with caplog.at_level(logging.ERROR):
        failed = await work_batch(records, works, within_s=5)
    assert failed == ["message of bad-1", "odd"]
    assert works.done == ["good-1", "good-2"]
    assert "the bucket is away" in caplog.text


async def test_what_takes_too_long_is_broken_off_while_the_answer_can_still_be_given() -> None:
    works = Works()
    failed = await work_batch([_record("slow-1"), _record("good-1")], works, within_s=0.01)
    assert failed == ["message of slow-1"]
    assert (works.done, works.broken_off) == (["good-1"], ["slow-1"])


async def test_an_empty_batch_is_done() -> None:
    assert await work_batch([], Works(), within_s=1) == []
