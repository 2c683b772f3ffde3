"""IMAGE_BLOB_URL is a folder or a bucket, and nothing in between."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_service.blobs.place import BlobPlace, FolderPlace, S3Place, parse_place
from image_service.blobs.port import key_of, path_of
from image_service.errors import MissingBlobError, StartupError


def _bucket(bucket: str = "pictures", prefix: str = "") -> S3Place:
    return S3Place(bucket=bucket, prefix=prefix, endpoint=None)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("var/blobs", FolderPlace(folder=Path("var/blobs"))),
        ("/srv/blobs", FolderPlace(folder=Path("/srv/blobs"))),
        ("file:///srv/blobs", FolderPlace(folder=Path("/srv/blobs"))),
        ("file://localhost/srv/a%20b", FolderPlace(folder=Path("/srv/a b"))),
        ("s3://pictures", _bucket()),
        ("s3://pictures/", _bucket()),
        ("S3://pictures/shop/2026/", _bucket(prefix="shop/2026")),
        ("s3://my.pictures-1", _bucket("my.pictures-1")),
    ],
)
def test_a_place_is_read(text: str, place: BlobPlace) -> None:
    assert parse_place(text, {}) == place


@pytest.mark.parametrize(
    "text",
    [
        "s3://",
        "s3://ab",
        "s3://Pictures",
        "s3://pictures/../other",
        "s3://pictures/.",
        "s3://pictures//shop",
        "s3://pictures/shop?endpoint=http://elsewhere",
        "s3://key:secret@pictures",
        "s3://pictures/a\nb",
        "file://elsewhere/srv",
        "file:///srv?x=1",
        "file:///srv%00",
        "http://pictures",
        "a\0b",
    ],
)
def test_what_is_no_place_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(StartupError) as error:
        parse_place(text, {})
    assert "\n" not in str(error.value)
    assert error.value.where == "IMAGE_BLOB_URL"


@pytest.mark.parametrize(
    ("environ", "endpoint"),
    [
        ({}, None),
        ({"AWS_ENDPOINT_URL": ""}, None),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9000"}, "http://127.0.0.1:9000"),
        ({"AWS_ENDPOINT_URL": "https://a", "AWS_ENDPOINT_URL_S3": "https://b"}, "https://b"),
    ],
)
def test_the_endpoint_is_that_of_every_aws_client(
    environ: dict[str, str], endpoint: str | None
) -> None:
    place = parse_place("s3://pictures", environ)
    assert isinstance(place, S3Place)
    assert place.endpoint == endpoint


def test_an_endpoint_with_a_password_is_refused_and_not_shown() -> None:
    with pytest.raises(StartupError) as error:
        parse_place("s3://pictures", {"AWS_ENDPOINT_URL": "https://user:hunter2@host"})
    assert "hunter2" not in str(error.value)


@given(st.text(max_size=200) | st.from_regex(r"[0-9a-f]{64}(/[a-z0-9-]{1,90})?"))
def test_a_key_leads_to_a_place_of_its_own_or_nowhere(key: str) -> None:
    try:
        path = path_of(key)
    except MissingBlobError:
        return
    assert key_of(path) == key
    assert ".." not in path
    assert path.split("/")[0] in ("sha256", "derived")


@given(st.text(max_size=200))
def test_whatever_else_lies_in_the_store_is_no_blob(path: str) -> None:
    key = key_of(path)
    assert key is None or path_of(key) == path
