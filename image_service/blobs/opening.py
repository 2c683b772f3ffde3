"""From IMAGE_BLOB_URL to a store that was seen to work."""

from __future__ import annotations

from collections.abc import Callable

from image_service.blobs.folder import FolderBlobs
from image_service.blobs.place import VARIABLE, BlobPlace, FolderPlace, S3Place
from image_service.blobs.port import BlobStore
from image_service.errors import BlobStoreError, StartupError


async def open_blobs(place: BlobPlace, *, clock: Callable[[], float]) -> BlobStore:
    """Open a store and write to it once.

    Args:
        place: Where it is.
        clock: Seconds since 1970, UTC.

    Raises:
        StartupError: Nothing can be kept there.
    """
    blobs = _open(place, clock)
    try:
        await blobs.check()
    except BlobStoreError as error:
        raise StartupError(
            where=f"{VARIABLE} ({place})",
            why=f"nothing can be kept there ({error.reason})",
            remedy="check that the bucket exists, and AWS_ENDPOINT_URL, AWS_REGION and the "
            "credentials, which must allow GetObject, PutObject, DeleteObject and ListBucket",
        ) from error
    except OSError as error:
        raise StartupError(
            where=f"{VARIABLE} ({place})",
            why=f"the folder cannot be written ({error.strerror})",
            remedy="give this user the right to write there, or name another folder",
        ) from error
    return blobs


def _open(place: BlobPlace, clock: Callable[[], float]) -> BlobStore:
    match place:
        case FolderPlace(folder=folder):
            return FolderBlobs(folder)
        case S3Place():
            return _open_s3(place, clock)


def _open_s3(place: S3Place, clock: Callable[[], float]) -> BlobStore:
    try:
        from image_service.blobs.objects import ObjectBlobs, open_bucket  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise StartupError(
            where=f"{VARIABLE} ({place})",
            why="the package obstore is not installed",
            remedy="install figueira[s3], or name a folder",
        ) from error
    try:
        return ObjectBlobs(open_bucket(place), clock=clock)
    except ValueError as error:
        raise StartupError(
            where=f"{VARIABLE} ({place})",
            why="the AWS_ variables cannot be used together",
            remedy="check AWS_REGION, AWS_ENDPOINT_URL and the credentials",
        ) from error
