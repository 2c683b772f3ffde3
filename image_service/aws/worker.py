"""``image_service.aws.worker.handler``: SQS's messages, each a job; failures go back alone."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Protocol

from image_service.aws.clients import fetch_secret
from image_service.aws.environment import lambda_settings
from image_service.aws.messages import MessageError, read_message
from image_service.aws.running import Opened, loop

_LOG = logging.getLogger("image_service.aws.worker")

# What it takes to record that a job was given up, and to say which messages come back.
_FAREWELL_S = 5.0


class Works(Protocol):
    """What carries jobs out."""

    async def work_one(self, job_id: str) -> None:
        """Carry one job out; return when it is done or is not to be had.

        Messages come at least once: a job that is done, or in other hands, is left alone.

        Raises:
            Exception: The message is to come again.
        """


class Context(Protocol):
    """What is used of Lambda's context."""

    def get_remaining_time_in_millis(self) -> int:
        """Return how long this event may still take."""


async def work_batch(
    records: list[Mapping[str, object]], works: Works, *, within_s: float
) -> list[str]:
    """Carry the jobs of some messages out at the same time.

    Args:
        records: Of the event.
        works: What carries them out.
        within_s: What is not done by then is given up.

    Returns:
        The ids of the messages that have to come again.
    """
    outcomes = await asyncio.gather(
        *(_work(record, works, within_s) for record in records), return_exceptions=True
    )
    failed = []
    for record, outcome in zip(records, outcomes, strict=True):
        if isinstance(outcome, BaseException):
            message_id = str(record.get("messageId"))
            _LOG.error("job_failed message=%s", message_id, exc_info=outcome)
            failed.append(message_id)
    return failed


async def _work(record: Mapping[str, object], works: Works, within_s: float) -> None:
    job_id = read_message(record.get("body"))
    async with asyncio.timeout(within_s):
        await works.work_one(job_id)


@asynccontextmanager
async def _open() -> AsyncIterator[Works]:
    # The application's parts take a while to import, which a wrong event need not wait for.
    from image_service.aws.pending import open_works  # noqa: PLC0415

    async with open_works(lambda_settings(os.environ, fetch_secret)) as works:
        yield works


_WORKS = Opened(_open)


def handler(event: Mapping[str, object], context: Context) -> dict[str, object]:
    """Work on an event of SQS; the answer is that of ReportBatchItemFailures.

    Raises:
        MessageError: The event is none of SQS's.
        StartupError: The service could not be opened; all messages come again.
    """
    records = event.get("Records")
    if not isinstance(records, list) or not all(isinstance(each, dict) for each in records):
        raise MessageError("the event has no records of SQS")
    works = _WORKS.get()
    within_s = max(context.get_remaining_time_in_millis() / 1000 - _FAREWELL_S, 0.0)
    failed = loop().run_until_complete(work_batch(records, works, within_s=within_s))
    return {"batchItemFailures": [{"itemIdentifier": each} for each in failed]}
