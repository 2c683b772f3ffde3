"""Checks what a provider sent and brings it into the one form we keep: PNG, RGB, exact size."""

from __future__ import annotations

import io
import struct
import warnings
import zlib

from PIL import Image

from image_service.contract import Size
from image_service.errors import BadPictureError

# Twice the largest picture that a provider makes (3840x2160) would not come by accident.
PIXEL_LIMIT = 3840 * 2160
BYTE_LIMIT = 64 * 1024 * 1024
_FORMATS = ("PNG", "JPEG", "WEBP")
# How far the sides' ratio may differ: rounding to whole pixels, nothing more.
_RATIO_TOLERANCE = 0.01
# What Pillow raises on hostile or broken files.
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, MemoryError,
           Image.DecompressionBombError)  # fmt: skip


def normalised(content: bytes, size: Size) -> bytes:
    """Return the picture as PNG, RGB, of exactly ``size``.

    A picture that is so already is returned byte for byte: it may carry a signed provenance.
    One of the same proportions is scaled.

    Raises:
        BadPictureError: It cannot be decoded, is too large, or has other proportions.
    """
    if len(content) > BYTE_LIMIT:
        raise BadPictureError(f"{len(content)} bytes are more than {BYTE_LIMIT}")
    try:
        with warnings.catch_warnings():
            # Pillow warns about large pictures; the limit below refuses them.
            warnings.simplefilter("ignore")
            return _normalised(content, size)
    except _BROKEN as error:
        raise BadPictureError(f"it cannot be decoded ({type(error).__name__})") from error


def _normalised(content: bytes, size: Size) -> bytes:
    with Image.open(io.BytesIO(content), formats=_FORMATS) as picture:
        _check_shape(picture, size)
        # verify() checks the file's sums and then leaves the picture unusable.
        picture.verify()
    with Image.open(io.BytesIO(content), formats=_FORMATS) as picture:
        picture.load()
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


def _check_shape(picture: Image.Image, size: Size) -> None:
    """Judge by the header alone, before a single pixel is decoded."""
    width, height = picture.size
    if width * height > PIXEL_LIMIT:
        raise BadPictureError(f"{width}x{height} is more than {PIXEL_LIMIT} pixels")
    if abs(width / height - size.width / size.height) > _RATIO_TOLERANCE:
        raise BadPictureError(f"{width}x{height} came for an order of {size}")
