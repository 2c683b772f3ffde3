"""IMAGE_BLOB_URL: a folder, or a bucket of S3 or of whatever speaks its API."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from image_service.errors import StartupError

VARIABLE = "IMAGE_BLOB_URL"
DEFAULT = "var/blobs"

# Amazon S3, general purpose bucket naming rules.
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", re.ASCII)
_SEGMENT = re.compile(r"[A-Za-z0-9!_.*'()=-]{1,200}", re.ASCII)
_SHOWN_CHARACTERS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderPlace:
    """A folder of this machine."""

    folder: Path

    def __str__(self) -> str:
        return str(self.folder)


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Place:
    """A bucket; credentials and region come from the environment that every AWS client reads.

    Attributes:
        bucket: Its name.
        prefix: What all names there begin with, without slashes around; empty for none.
        endpoint: Where the API is; None for Amazon's own.
    """

    bucket: str
    prefix: str
    endpoint: str | None

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}".removesuffix("/")


BlobPlace = FolderPlace | S3Place


def parse_place(text: str, environ: Mapping[str, str]) -> BlobPlace:
    """Read the setting.

    Raises:
        StartupError: It names neither a folder nor a bucket.
    """
    scheme, separator, rest = text.partition("://")
    match scheme.lower() if separator else "":
        case "s3":
            return _bucket(text, rest, environ)
        case "file":
            return _file_url(text, rest)
        case "" if "\0" not in text:
            return FolderPlace(folder=Path(text))
        case _:
            raise _wrong(text, "is not a folder")


def _file_url(text: str, rest: str) -> FolderPlace:
    host, slash, path = rest.partition("/")
    decoded = unquote(path)
    if host not in ("", "localhost") or not slash or "\0" in decoded or set("?#") & set(path):
        raise _wrong(text, "is not the URL of a folder on this machine")
    return FolderPlace(folder=Path("/", decoded))


def _bucket(text: str, rest: str, environ: Mapping[str, str]) -> S3Place:
    bucket, _, prefix = rest.partition("/")
    prefix = prefix.rstrip("/")
    segments = prefix.split("/") if prefix else []
    is_plain = all(
        _SEGMENT.fullmatch(segment) and segment not in (".", "..") for segment in segments
    )
    if not _BUCKET.fullmatch(bucket) or not is_plain:
        raise _wrong(text, "is not the name of a bucket and a prefix")
    # The variables and their order are those of Amazon's own SDKs.
    endpoint = environ.get("AWS_ENDPOINT_URL_S3") or environ.get("AWS_ENDPOINT_URL") or None
    if endpoint is not None and not re.match(r"https?://[^/@]+/?$", endpoint):
        raise StartupError(
            where="AWS_ENDPOINT_URL",
            why="it is not an http or https URL of a host alone",
            remedy="write one such as https://s3.example.net:9000, or unset it for Amazon's own",
        )
    return S3Place(bucket=bucket, prefix=prefix, endpoint=endpoint)


def _wrong(text: str, why: str) -> StartupError:
    shown = repr(text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}...")
    return StartupError(
        where=VARIABLE,
        why=f"{shown} {why}",
        remedy=f"name a folder such as {DEFAULT}, or a bucket such as s3://pictures/shop",
    )
