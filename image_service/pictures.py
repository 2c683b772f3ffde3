"""Checks what a provider sent and brings it into the one form we keep: PNG, RGB, exact size."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Callable
from typing import Literal, TypeVar

from PIL import Image

from image_service.contract import Size
from image_service.errors import BadPictureError

T = TypeVar("T")

# The largest picture that a provider makes.
PIXEL_LIMIT = 3840 * 2160
# As much as these pixels take without any compression, with transparency.
BYTE_LIMIT = 32 * 1024 * 1024
# What is read, by the content's own first bytes: no name and no header is believed.
_MEDIA_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}
_FORMATS = tuple(_MEDIA_TYPES)
# How far the sides' ratio may differ: rounding to whole pixels, nothing more.
_RATIO_TOLERANCE = 0.01
# What Pillow raises on hostile or broken files.
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, MemoryError,
           Image.DecompressionBombError, Image.DecompressionBombWarning)  # fmt: skip
# Pillow warns of what it does not yet refuse. As an error it is refused as everything else is;
# catching it case by case is not safe in threads, where pictures are decoded.
warnings.simplefilter("error", Image.DecompressionBombWarning)


def normalised(content: bytes, size: Size) -> bytes:
    """Return the picture as PNG, RGB, of exactly ``size``.

    A picture that is so already is returned byte for byte: it may carry a signed provenance.
    One of the same proportions is scaled.

    Raises:
        BadPictureError: It cannot be decoded, is too large, or has other proportions.
    """
    return _guarded(lambda: _normalised(content, size), content)


def verify(content: bytes) -> str:
    """Decode a picture of any shape, forget it, and return its media type.

    Raises:
        BadPictureError: It cannot be decoded or is too large.
    """
    return _guarded(lambda: _MEDIA_TYPES[_decoded(content).format or ""], content)


def in_format(content: bytes, kind: Literal["png", "jpeg", "webp"], quality: int) -> bytes:
    """Return a checked PNG in another format, with a quality of 0..100; as PNG it stays itself."""
    if kind == "png":
        return content
    out = io.BytesIO()
    with Image.open(io.BytesIO(content), formats=("PNG",)) as picture:
        picture.save(out, kind, quality=quality)
    return out.getvalue()


def _guarded(work: Callable[[], T], content: bytes) -> T:
    if len(content) > BYTE_LIMIT:
        raise BadPictureError(f"{len(content)} bytes are more than {BYTE_LIMIT}")
    try:
        return work()
    except _BROKEN as error:
        raise BadPictureError(f"it cannot be decoded ({type(error).__name__})") from error


def _normalised(content: bytes, size: Size) -> bytes:
    picture = _decoded(content, size)
    wanted = (size.width, size.height)
    is_still = getattr(picture, "n_frames", 1) == 1
    if is_still and (picture.format, picture.mode, picture.size) == ("PNG", "RGB", wanted):
        return content
    flat = picture.convert("RGB")
    if flat.size != wanted:
        flat = flat.resize(wanted, Image.Resampling.LANCZOS)
    out = io.BytesIO()
    flat.save(out, "PNG")
    return out.getvalue()


def _decoded(content: bytes, size: Size | None = None) -> Image.Image:
    """Decode the first frame; None for ``size`` takes any proportions."""
    with Image.open(io.BytesIO(content), formats=_FORMATS) as picture:
        _check_shape(picture, size)
        # verify() checks the file's sums and then leaves the picture unusable.
        picture.verify()
    picture = Image.open(io.BytesIO(content), formats=_FORMATS)
    picture.load()
    return picture


def _check_shape(picture: Image.Image, size: Size | None) -> None:
    """Judge by the header alone, before a single pixel is decoded."""
    width, height = picture.size
    if width * height > PIXEL_LIMIT:
        raise BadPictureError(f"{width}x{height} is more than {PIXEL_LIMIT} pixels")
    if size and abs(width / height - size.width / size.height) > _RATIO_TOLERANCE:
        raise BadPictureError(f"{width}x{height} came for an order of {size}")
