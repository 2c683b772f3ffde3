"""The real process on a bucket: orders, pictures, a restart, and a start that fails."""

from __future__ import annotations

import hashlib
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from PIL import Image

from image_service.blobs.place import S3Place
from image_service.providers.procedural import render
from tests.support.aws import Aws
from tests.support.processes import environment, running

_COMMAND = [sys.executable, "-m", "image_service", "--port", "0"]


def _settings(aws: Aws, place: S3Place, folder: Path) -> dict[str, str]:
    return environment(
        **aws.environ,
        IMAGE_BLOB_URL=str(place),
        IMAGE_DATABASE_URL=f"sqlite+aiosqlite:///{folder}/images.db",
        IMAGE_PROVIDER="procedural",
    )


@contextmanager
def _service(aws: Aws, place: S3Place, folder: Path) -> Iterator[httpx.Client]:
    with running(_COMMAND, folder=folder, environ=_settings(aws, place, folder)) as process:
        url = process.wait_for_line(r"image_service: listening on (http://\S+) .*")[1]
        with httpx.Client(base_url=url, trust_env=False, timeout=20) as client:
            yield client


def test_pictures_in_a_bucket_are_there_for_every_process(
    aws: Aws, place: S3Place, tmp_path: Path
) -> None:
    picture = render("praia", 512, 512)
    sha256 = hashlib.sha256(picture).hexdigest()
    with _service(aws, place, tmp_path) as client:
        image = client.post("/images", json={"prompt": "praia"}).json()
        assert client.get(image["url"]).content == picture
        thumbnail = client.get(f"/images/blobs/{sha256}.webp?w=64")
        with Image.open(io.BytesIO(thumbnail.content)) as small:
            assert (small.format, small.size) == ("WEBP", (64, 64))
    with _service(aws, place, tmp_path) as client:
        part = client.get(image["url"], headers={"Range": "bytes=1000-1999"})
        assert (part.status_code, part.content) == (206, picture[1000:2000])
        again = client.get(f"/images/blobs/{sha256}.webp?w=64")
        assert (again.headers["etag"], again.content) == (
            thumbnail.headers["etag"],
            thumbnail.content,
        )
        assert client.get("/readyz").json()["checks"]["blobs"] == "ok"
        aws.tell("reset")
        assert client.get("/readyz").json()["checks"]["blobs"] == "failed"
        gone = client.get(f"/images/blobs/{'0' * 64}")
        assert (gone.status_code, gone.json()["code"]) == (404, "not-found")
    aws.client("s3").create_bucket(
        Bucket=place.bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )


def test_a_bucket_that_is_missing_is_said_in_one_line(
    aws: Aws, place: S3Place, tmp_path: Path
) -> None:
    environ = {**_settings(aws, place, tmp_path), "IMAGE_BLOB_URL": "s3://no-such-bucket"}
    with running(_COMMAND, folder=tmp_path, environ=environ) as process:
        assert process.wait() == 1
        [line] = process.stderr
    assert line.startswith(
        "image_service: IMAGE_BLOB_URL (s3://no-such-bucket): nothing can be kept there "
        "(put: the bucket does not exist); check that the bucket exists"
    )
