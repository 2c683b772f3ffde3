"""Pictures: the contract first, then pixels, then how alike they look. Pillow alone."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass

from PIL import Image, ImageChops, UnidentifiedImageError

from gateway.parallel_run.compare.findings import Difference, Findings
from gateway.parallel_run.comparison import Kind
from gateway.parallel_run.plan import Pictures

MOST_PIXELS = 40_000_000
"""Of a frame; a picture of 3840 x 2160 has 8 million. Larger ones are not decoded."""
_MOST_FRAMES = 64
_HASH_SIDE = 8
_CONTRACT = ("format", "size", "mode", "frames", "metadata")
_METADATA = frozenset({"exif", "xmp", "icc_profile", "XML:com.adobe.xmp", "dpi", "Software"})
"""What Pillow reads beside the pixels and customers may rely on; texts of PNG count as well."""


class PictureError(ValueError):
    """A picture that is not compared; the message says why."""


@dataclass(frozen=True, slots=True)
class _Picture:
    format: str
    size: str
    mode: str
    frames: int
    metadata: str
    """What there is beside the pixels, by name: what it says may hold a moment, or a signature."""
    pixels: Image.Image


def compare_pictures(control: bytes, candidate: bytes, asked: Pictures, findings: Findings) -> None:
    """Compare two pictures that are not equal byte by byte.

    Raises:
        PictureError: The control's cannot be decoded, or one is too large to.
    """
    ours = _open(control)
    if ours is None:
        raise PictureError("the control's picture cannot be decoded")
    theirs = _open(candidate)
    if theirs is None:
        findings.add(Difference("image", (), Kind.UNREADABLE, ours.format, "cannot be decoded"))
        return
    is_alike = True
    for name in _CONTRACT:
        left, right = getattr(ours, name), getattr(theirs, name)
        if left != right:
            is_alike = False
            findings.add(Difference("image", (name,), Kind.VALUE, left, right))
    if is_alike and asked.compare != "contract":
        _compare_pixels(ours.pixels, theirs.pixels, asked, findings)


def _open(content: bytes) -> _Picture | None:
    """The picture, decoded; None if it cannot be.

    Raises:
        PictureError: It is too large.
    """
    try:
        with warnings.catch_warnings():
            # Our own limit is below the one that Pillow warns of.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(content))
        width, height = picture.size
        frames = getattr(picture, "n_frames", 1)
        if width * height > MOST_PIXELS or frames > _MOST_FRAMES:
            raise PictureError(
                f"a picture of {width} x {height} pixels, {frames} frames, is too large"
            )
        picture.load()
    except Image.DecompressionBombError as error:
        raise PictureError(str(error)) from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError) as error:
        if isinstance(error, PictureError):
            raise
        return None
    return _Picture(
        format=picture.format or "",
        size=f"{width}x{height}",
        mode=picture.mode,
        frames=frames,
        metadata=_metadata(picture),
        pixels=picture,
    )


def _metadata(picture: Image.Image) -> str:
    texts = getattr(picture, "text", {})
    return ", ".join(sorted({*_METADATA & picture.info.keys(), *map(str, texts)}))


def _compare_pixels(
    ours: Image.Image, theirs: Image.Image, asked: Pictures, findings: Findings
) -> None:
    box = _difference(ours, theirs)
    if box is None:
        return
    far = distance(ours, theirs)
    if asked.compare == "perceptual" and far <= asked.distance:
        return
    left, upper, right, lower = box
    where = f"differs within {left},{upper} to {right},{lower}; distance {far:.3f}"
    findings.add(Difference("image", ("pixels",), Kind.PIXELS, "", where))


def _difference(ours: Image.Image, theirs: Image.Image) -> tuple[int, int, int, int] | None:
    """The box within which the first frames differ; None if they are equal."""
    if ours.mode in {"RGB", "RGBA", "L", "LA"}:
        return ImageChops.difference(ours, theirs).getbbox(alpha_only=False)
    left, right = ours.convert("RGBA"), theirs.convert("RGBA")
    return ImageChops.difference(left, right).getbbox(alpha_only=False)


def distance(ours: Image.Image, theirs: Image.Image) -> float:
    """How differently two pictures look, 0..1.

    The greater of two: the share of 64 gradients that point the other way (a difference hash), and
    the mean difference of colours when both are scaled down to eight by eight.
    """
    turned = (_gradients(ours) ^ _gradients(theirs)).bit_count() / _HASH_SIDE**2
    small = [
        each.convert("RGB").resize((_HASH_SIDE, _HASH_SIDE), Image.Resampling.BOX).tobytes()
        for each in (ours, theirs)
    ]
    colours: float = sum(abs(a - b) for a, b in zip(*small, strict=True)) / len(small[0]) / 255
    return max(turned, colours)


def _gradients(picture: Image.Image) -> int:
    side = _HASH_SIDE
    grey = picture.convert("L").resize((side + 1, side), Image.Resampling.BOX).tobytes()
    bits = 0
    for row in range(side):
        for column in range(side):
            at = row * (side + 1) + column
            bits = bits << 1 | (grey[at] > grey[at + 1])
    return bits
