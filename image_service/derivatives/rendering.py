"""Makes a derivative: decode, scale, encode. Slow; runs in a thread."""

from __future__ import annotations

import io
import struct
import warnings
import zlib

from PIL import Image, ImageOps

from image_service.derivatives.recipe import LARGEST_SIDE, Format, Recipe
from image_service.errors import UnreadablePictureError
from image_service.pictures import PIXEL_LIMIT

_FORMATS = ("PNG", "JPEG", "WEBP", "AVIF")
# What Pillow raises on hostile or broken files.
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, MemoryError,
           Image.DecompressionBombError, Image.DecompressionBombWarning)  # fmt: skip
# Pillow warns of what it does not yet refuse; here that is refused as everything else is.
warnings.simplefilter("error", Image.DecompressionBombWarning)
_CANNOT_BE_CLEAR = ("jpeg",)


def render(content: bytes, recipe: Recipe) -> bytes:
    """Return the derivative of an encoded picture, without its metadata but the colour profile.

    Raises:
        UnreadablePictureError: It cannot be decoded, or has more pixels than may be decoded.
    """
    try:
        return _render(content, recipe)
    except _BROKEN as error:
        raise UnreadablePictureError(f"it cannot be decoded ({type(error).__name__})") from error


def _render(content: bytes, recipe: Recipe) -> bytes:
    with Image.open(io.BytesIO(content), formats=_FORMATS) as source:
        width, height = source.size
        # By the header alone, before a single pixel is decoded.
        if width * height > PIXEL_LIMIT:
            raise UnreadablePictureError(f"{width}x{height} is more than {PIXEL_LIMIT} pixels")
        profile = source.info.get("icc_profile") or b""
        # Each step works on the one before where it can: a copy of a large picture is 33 MB.
        ImageOps.exif_transpose(source, in_place=True)
        picture = _sized(_plain(source, recipe.media_format), recipe)
        # Comments, times, places: nothing of them goes further than the original.
        picture.info = {}
        out = io.BytesIO()
        kind, options = _ENCODINGS[recipe.media_format]
        picture.save(out, kind, icc_profile=profile, **options)
    return out.getvalue()


def _plain(picture: Image.Image, media_format: Format) -> Image.Image:
    """Return it as RGB, or RGBA where something shines through and the format can say so."""
    if not picture.has_transparency_data:
        return picture if picture.mode == "RGB" else picture.convert("RGB")
    clear = picture if picture.mode == "RGBA" else picture.convert("RGBA")
    if media_format not in _CANNOT_BE_CLEAR:
        return clear
    ground = Image.new("RGBA", clear.size, "white")
    return Image.alpha_composite(ground, clear).convert("RGB")


def _sized(picture: Image.Image, recipe: Recipe) -> Image.Image:
    if recipe.fit == "cover" and recipe.width is not None and recipe.height is not None:
        # A picture smaller than the box is cut to the box's proportions, not enlarged.
        share = min(1.0, picture.width / recipe.width, picture.height / recipe.height)
        box = (max(1, round(recipe.width * share)), max(1, round(recipe.height * share)))
        return ImageOps.fit(picture, box, Image.Resampling.LANCZOS)
    box = (recipe.width or LARGEST_SIDE, recipe.height or LARGEST_SIDE)
    picture.thumbnail(box, Image.Resampling.LANCZOS)
    return picture


# Pillow's name of each format, and how to encode it: qualities at which painted landscapes and
# photographs show no difference side by side. AVIF gets one thread, since how many encodings run
# at once is decided elsewhere.
_ENCODINGS: dict[Format, tuple[str, dict[str, int | bool]]] = {
    "avif": ("AVIF", {"quality": 60, "speed": 8, "max_threads": 1}),
    "webp": ("WEBP", {"quality": 80, "method": 4}),
    "jpeg": ("JPEG", {"quality": 82, "optimize": True, "progressive": True}),
    "png": ("PNG", {"compress_level": 6}),
}
