"""Where pictures are kept: a port, a folder and an object store that implement it, and the gc."""

from __future__ import annotations

from image_service.blobs.folder import FolderBlobs
from image_service.blobs.port import BlobStore

__all__ = ["BlobStore", "FolderBlobs"]
