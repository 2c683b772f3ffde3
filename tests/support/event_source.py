"""What AWS does between a queue and its function: poll, invoke, delete what did not fail."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from tests.support.aws import Aws
from tests.support.lambda_runtime import Function

MAX_RECEIVES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Queues:
    """A queue, and the one where messages go that failed ``MAX_RECEIVES`` times.

    Attributes:
        sqs: A client.
        url: Of the queue.
        dead_url: Of the other.
    """

    sqs: Any  # boto3 makes its classes as it runs
    url: str
    dead_url: str

    def send(self, body: str) -> str:
        """Send a message and return its id."""
        message_id: str = self.sqs.send_message(QueueUrl=self.url, MessageBody=body)["MessageId"]
        return message_id

    def dead(self) -> list[str]:
        """Return the bodies of the messages that were given up."""
        received = self.sqs.receive_message(QueueUrl=self.dead_url, MaxNumberOfMessages=10)
        return [each["Body"] for each in received.get("Messages", ())]

    def poll(self, function: Function) -> int:
        """Hand one batch to the function; return how many messages it held."""
        received = self.sqs.receive_message(
            QueueUrl=self.url, MaxNumberOfMessages=10, AttributeNames=["All"]
        ).get("Messages", [])
        if not received:
            return 0
        answer = function.invoke({"Records": [_record(each) for each in received]})
        failures = answer["batchItemFailures"]
        assert isinstance(failures, list)
        failed = {each["itemIdentifier"] for each in failures}
        assert failed <= {each["MessageId"] for each in received}
        for each in received:
            if each["MessageId"] not in failed:
                self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=each["ReceiptHandle"])
        return len(received)


def open_queues(aws: Aws) -> Queues:
    """Make both; a message that failed is there again at once."""
    sqs = aws.client("sqs")
    name = f"images-{uuid4().hex}"
    dead_url = sqs.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=dead_url, AttributeNames=["QueueArn"])
    redrive = {
        "deadLetterTargetArn": attributes["Attributes"]["QueueArn"],
        "maxReceiveCount": MAX_RECEIVES,
    }
    made = sqs.create_queue(
        QueueName=name,
        Attributes={"VisibilityTimeout": "0", "RedrivePolicy": json.dumps(redrive)},
    )
    return Queues(sqs=sqs, url=made["QueueUrl"], dead_url=dead_url)


def _record(message: dict[str, Any]) -> dict[str, object]:
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-west-1:1:images",
        "awsRegion": "eu-west-1",
    }
