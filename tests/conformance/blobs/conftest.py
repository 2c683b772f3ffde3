"""Each store in turn, empty."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from obstore.store import MemoryStore

from image_service.blobs import BlobStore, FolderBlobs
from image_service.blobs.objects import ObjectBlobs, open_bucket
from image_service.blobs.place import S3Place
from tests.support.aws import Aws, running_aws

BUCKET = "pictures"


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The service runs on asyncio."""
    return "asyncio"


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    """One server for all tests, with a bucket."""
    with running_aws(tmp_path_factory.mktemp("aws")) as server:
        server.client("s3").create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
        yield server


@pytest.fixture
def place(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> S3Place:
    """A part of the bucket that nobody else uses, with the environment that opens it."""
    for name, value in aws.environ.items():
        monkeypatch.setenv(name, value)
    return S3Place(bucket=BUCKET, prefix=f"shop/{uuid4().hex}", endpoint=aws.endpoint)


@pytest.fixture(params=["folder", "memory", "s3"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    """Each store in turn."""
    match request.param:
        case "folder":
            return FolderBlobs(tmp_path / "blobs")
        case "memory":
            return ObjectBlobs(MemoryStore(), clock=time.time)  # noqa: TID251 - a store's own age
        case _:
            found = request.getfixturevalue("place")
            return ObjectBlobs(open_bucket(found), clock=time.time)  # noqa: TID251 - as above
