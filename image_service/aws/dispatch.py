"""Jobs announced by SQS: Lambda hands each message to a worker function.

The jobs table is the truth. A message may be lost, come twice, or come before its job is
committed, which is why none comes at once; whoever sweeps the table announces again what was lost.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from typing import Protocol

from anyio import to_thread

from image_service.aws.clients import Entry, Sqs
from image_service.aws.messages import write_message

# SQS, quotas of SendMessageBatch and of DelaySeconds.
_BATCH = 10
_LONGEST_DELAY_S = 900
# Time for the transaction that announces a job to be committed.
_LEAST_DELAY_S = 1


class AnnounceError(OSError):
    """SQS did not take an announcement."""


class Ticket(Protocol):
    """A job that waits for a worker."""

    @property
    def job_id(self) -> str:
        """Its name."""

    @property
    def wait_s(self) -> float:
        """Not before so many seconds have passed."""


class SqsDispatcher:
    """Announces jobs; the queue's worker function works on them."""

    def __init__(self, queue_url: str, *, client: Callable[[], Sqs]) -> None:
        self._queue_url = queue_url
        self._client = client

    async def enqueue(self, connection: object, tickets: Sequence[Ticket]) -> None:
        """Announce jobs, those of the transaction under way included.

        A job whose turn is more than a quarter of an hour away is announced for then, and its
        worker finds that it is not to be had yet.

        Raises:
            AnnounceError: Some could not be announced.
            MessageError: No job has such a name.
        """
        del connection
        entries: list[Entry] = [
            {
                "Id": str(number % _BATCH),
                "MessageBody": write_message(ticket.job_id),
                "DelaySeconds": _delay_s(ticket.wait_s),
            }
            for number, ticket in enumerate(tickets)
        ]
        for start in range(0, len(entries), _BATCH):
            await to_thread.run_sync(self._send, entries[start : start + _BATCH])

    def _send(self, entries: Sequence[Entry]) -> None:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - an extra, slow

        try:
            sent = self._client().send_message_batch(QueueUrl=self._queue_url, Entries=entries)
        except (BotoCoreError, ClientError) as error:
            raise AnnounceError(f"SQS was not reached ({type(error).__name__})") from error
        if failed := sent.get("Failed"):
            raise AnnounceError(f"SQS refused {len(failed)} messages ({failed[0]['Code']})")

    async def run(self, worker: object) -> None:
        """Wait: messages do not come to this process, but start one of their own."""
        del worker
        await asyncio.Event().wait()

    def wake(self) -> None:
        """Nothing sleeps here."""

    async def cancel(self, job_id: str) -> None:
        """Whoever works on it sees it in the table; nobody can be told."""
        del job_id


def _delay_s(wait_s: float) -> int:
    return min(max(math.ceil(wait_s), _LEAST_DELAY_S), _LONGEST_DELAY_S)
