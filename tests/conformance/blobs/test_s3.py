"""What a bucket does that a folder does not: it refuses, fails, hangs, and signs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from image_service.blobs import objects
from image_service.blobs.facts import read_all
from image_service.blobs.objects import ObjectBlobs, open_bucket
from image_service.blobs.opening import open_blobs
from image_service.blobs.place import S3Place
from image_service.blobs.port import REFRESH_AFTER_S
from image_service.errors import BlobStoreError, StartupError
from tests.support.aws import Aws
from tests.support.failing_s3 import Manner, failing_s3

_SHA256 = "5" * 64
_PNG = b"\x89PNG\r\n\x1a\n" + b"pixels" * 10


def _open(place: S3Place, *, later_s: float = 0.0) -> ObjectBlobs:
    return ObjectBlobs(open_bucket(place), clock=lambda: time.time() + later_s)  # noqa: TID251 - S3 dates by it


@contextmanager
def _misbehaving(
    place: S3Place, manner: Manner, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ObjectBlobs]:
    monkeypatch.setattr(objects, "_SILENCE_TIMEOUT", timedelta(milliseconds=200))
    monkeypatch.setattr(objects, "_RETRIES", 1)
    with failing_s3(manner) as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        yield _open(replace(place, endpoint=endpoint))


async def test_everything_lies_below_the_prefix(aws: Aws, place: S3Place) -> None:
    blobs = _open(place)
    sha256 = await blobs.put(_PNG)
    await blobs.put_derivative(f"{sha256}/v1-64x0-contain-webp", b"small")
    found = aws.client("s3").list_objects_v2(Bucket=place.bucket, Prefix=f"{place.prefix}/")
    assert [each["Key"] for each in found["Contents"]] == [
        f"{place.prefix}/derived/{sha256[:2]}/{sha256}/v1-64x0-contain-webp",
        f"{place.prefix}/sha256/{sha256[:2]}/{sha256}",
    ]


async def test_a_signed_url_gives_the_blob_and_its_type_to_anybody(place: S3Place) -> None:
    blobs = _open(place)
    url = await blobs.sign(await blobs.put(_PNG), expires_s=60)
    assert url is not None
    assert "X-Amz-Expires=60&" in url
    async with httpx.AsyncClient(trust_env=False) as anybody:
        answer = await anybody.get(url)
    assert (answer.content, answer.headers["Content-Type"]) == (_PNG, "image/png")


async def test_a_blob_put_again_after_long_is_new_to_gc(aws: Aws, place: S3Place) -> None:
    """Its first row may be gone, and gc about to come for it: it is written once more."""
    s3 = aws.client("s3")
    s3.create_bucket(
        Bucket="versions", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    s3.put_bucket_versioning(Bucket="versions", VersioningConfiguration={"Status": "Enabled"})
    bucket = replace(place, bucket="versions")
    counts = []
    for later_s in (0.0, 0.0, REFRESH_AFTER_S + 60):
        await _open(bucket, later_s=later_s).put(_PNG)
        counts.append(len(s3.list_object_versions(Bucket="versions")["Versions"]))
    assert counts == [1, 1, 2]


async def test_a_missing_bucket_keeps_the_service_from_starting(place: S3Place) -> None:
    with pytest.raises(StartupError) as error:
        await open_blobs(replace(place, bucket="nowhere"), clock=time.time)  # noqa: TID251
    assert str(error.value).startswith(
        f"IMAGE_BLOB_URL (s3://nowhere/{place.prefix}): nothing can be kept there "
        "(put: the bucket does not exist); check that the bucket exists"
    )


@pytest.mark.parametrize(
    ("key_id", "says"), [("AKIAWRONG", "put: 403 InvalidAccessKeyId"), ("known", "put: 403 ")]
)
async def test_wrong_credentials_keep_the_service_from_starting(
    aws: Aws, place: S3Place, monkeypatch: pytest.MonkeyPatch, key_id: str, says: str
) -> None:
    """An unknown key, and a known one whose owner may do nothing."""
    iam = aws.client("iam")
    if key_id == "known":
        iam.create_user(UserName="nobody")
        key = iam.create_access_key(UserName="nobody")["AccessKey"]
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    else:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", key_id)
    aws.tell("reset-auth", "0")
    try:
        with pytest.raises(StartupError) as error:
            await open_blobs(place, clock=time.time)  # noqa: TID251 - as the service does
    finally:
        aws.tell("reset-auth", "inf")
    assert says in str(error.value)
    assert "\n" not in str(error.value)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    ("manner", "says"), [(Manner.SILENT, "no whole answer"), (Manner.BUSY, "503")]
)
async def test_a_store_that_hangs_or_fails_is_an_error_in_bounded_time(
    place: S3Place, monkeypatch: pytest.MonkeyPatch, manner: Manner, says: str
) -> None:
    with _misbehaving(place, manner, monkeypatch) as blobs:
        began_s = time.monotonic()
        for attempt in (
            blobs.check(),
            blobs.put(_PNG),
            blobs.size_bytes(_SHA256),
            read_all(blobs, _SHA256, 10),
            anext(blobs.list_all()),
        ):
            with pytest.raises(BlobStoreError, match=says):
                await attempt
        assert time.monotonic() - began_s < 10


async def test_an_answer_cut_short_is_never_a_blob(
    place: S3Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        _misbehaving(place, Manner.CUT, monkeypatch) as blobs,
        pytest.raises(BlobStoreError, match="read: no whole answer"),
    ):
        await read_all(blobs, _SHA256, 1_000_000)


async def test_nobody_there_is_an_error(place: S3Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "_RETRIES", 0)
    with pytest.raises(BlobStoreError, match="no whole answer"):
        await _open(replace(place, endpoint="http://127.0.0.1:1")).check()


async def test_a_signed_url_opens_one_blob_alone(place: S3Place) -> None:
    """The signature covers the path: another key under it is refused by a store that checks."""
    blobs = _open(place)
    one, other = await blobs.put(b"one"), await blobs.put(b"other")
    signatures = set()
    for sha256 in (one, other):
        url = await blobs.sign(sha256, expires_s=60)
        assert url is not None
        assert f"/{sha256[:2]}/{sha256}?" in url
        signatures.add(url.partition("X-Amz-Signature=")[2])
    assert len(signatures) == 2
