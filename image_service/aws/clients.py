"""Amazon's clients, made when they are first needed and kept; endpoint and keys as AWS has them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Protocol, TypedDict, cast

from image_service.errors import StartupError

# A call that takes longer is better made again: all of them answer within some milliseconds.
_CONNECT_TIMEOUT_S = 2
_READ_TIMEOUT_S = 5
_ATTEMPTS = 3


class Entry(TypedDict):
    """A message of a batch."""

    Id: str
    MessageBody: str
    DelaySeconds: int


class Failed(TypedDict):
    """An entry that SQS did not take."""

    Id: str
    Code: str


class Sent(TypedDict, total=False):
    """What came of a batch."""

    Failed: Sequence[Failed]


class Sqs(Protocol):
    """What is used of SQS."""

    def send_message_batch(self, *, QueueUrl: str, Entries: Sequence[Entry]) -> Sent:  # noqa: N803 - boto3's names
        """Send up to ten messages."""


class _SecretsManager(Protocol):
    def get_secret_value(self, *, SecretId: str) -> dict[str, object]: ...  # noqa: N803 - as above


def sqs() -> Sqs:
    """Return the client of SQS."""
    return cast("Sqs", _client("sqs"))


def fetch_secret(secret_id: str) -> str:
    """Return a secret's text.

    Raises:
        StartupError: It cannot be read.
    """
    # Importing boto3 takes a third of a second, which only its users should wait.
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    client = cast("_SecretsManager", _client("secretsmanager"))
    try:
        return str(client.get_secret_value(SecretId=secret_id)["SecretString"])
    except (BotoCoreError, ClientError, KeyError) as error:
        raise StartupError(
            where=f"secret {secret_id}",
            why=f"it cannot be read ({_code(error)})",
            remedy="check its name and that the function's role allows GetSecretValue on it",
        ) from error


def _code(error: Exception) -> str:
    answer = getattr(error, "response", None)
    details = answer.get("Error") if isinstance(answer, dict) else None
    return str(details.get("Code")) if isinstance(details, dict) else type(error).__name__


@cache
def _client(service: str) -> object:
    import boto3  # noqa: PLC0415 - as above
    from botocore.config import Config  # noqa: PLC0415

    config = Config(
        connect_timeout=_CONNECT_TIMEOUT_S,
        read_timeout=_READ_TIMEOUT_S,
        retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
    )
    client: object = boto3.client(service, config=config)
    return client
