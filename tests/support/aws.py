"""Amazon's services on this machine: moto's server, in a process of its own."""

from __future__ import annotations

import http.client
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from tests.support.processes import environment, free_port, running

REGION = "eu-west-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "AKIATEST", "AWS_SECRET_ACCESS_KEY": "secret"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Aws:
    """A running server.

    Attributes:
        port: Of 127.0.0.1.
    """

    port: int

    @property
    def endpoint(self) -> str:
        """Where every service is."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def environ(self) -> Mapping[str, str]:
        """What a client has to find in its environment."""
        return {
            **CREDENTIALS,
            # Lambda sets both: boto3 reads the one, obstore either.
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.endpoint,
        }

    def client(self, service: str) -> Any:
        """Return a client that needs nothing of the environment."""
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        )

    def tell(self, path: str, body: str = "") -> None:
        """POST to moto's own paths."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            connection.request("POST", f"/moto-api/{path}", body)
            answer = connection.getresponse()
            assert answer.status == http.client.OK, answer.read()


@contextmanager
def running_aws(folder: Path) -> Iterator[Aws]:
    """Run the server; everything in it is empty."""
    aws = Aws(port=free_port())
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(aws.port)]
    with running(command, folder=folder, environ=environment()) as process:
        process.wait_until_it_answers(f"{aws.endpoint}/moto-api/data.json")
        yield aws
