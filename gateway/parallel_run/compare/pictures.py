"""Pictures: the contract first, then pixels, then how alike they look. Pillow alone."""

from __future__ import annotations

import io
import struct
import warnings
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageFilter, ImageStat, UnidentifiedImageError

from gateway.parallel_run.compare.findings import Difference, Findings
from gateway.parallel_run.comparison import Kind
from gateway.parallel_run.plan import Pictures

MOST_PIXELS = 40_000_000
"""Of a frame; a picture of 3840 x 2160 has 8 million. Larger ones are not decoded."""
_MOST_FRAMES = 64
_SIDE = 8
_EDGES_SIDE = 128
_BOX = Image.Resampling.BOX
_CONTRACT = ("format", "size", "mode", "frames", "orientation", "metadata")
_ORIENTATION, _MOST_ORIENTATION = 0x0112, 8
_TRANSPARENCY = frozenset({"transparency"})
"""What Pillow calls a colour of pictures without an alpha channel that is not to be seen."""
_EIGHT_BIT = frozenset({"RGB", "RGBA", "L", "LA"})
"""Modes that Pillow subtracts as they are."""
_DEEP = frozenset({"I", "F", "LAB", "HSV"})
"""Modes of which a conversion keeps 255 steps, or that it does not know; I;16 and the like, too."""
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
    orientation: int
    """How it is to be turned (Exif 2.32, section 4.6.4): 1 as it is, to 8."""
    metadata: str
    """What there is beside the pixels, by name: what it says may hold a moment, or a signature."""
    pixels: Image.Image


def compare_pictures(control: bytes, candidate: bytes, asked: Pictures, findings: Findings) -> None:
    """Compare two pictures that are not equal byte by byte.

    Raises:
        PictureError: The control's cannot be decoded, or is too large to.
    """
    ours = _open(control)
    if ours is None:
        raise PictureError("the control's picture cannot be decoded")
    try:
        theirs, why = _open(candidate), "cannot be decoded"
    except PictureError as error:
        # Customers got a picture that can be read: the other side is to blame for this one.
        theirs, why = None, str(error)
    if theirs is None:
        findings.add(Difference("image", (), Kind.UNREADABLE, ours.format, why))
        return
    is_alike = True
    for name in _CONTRACT:
        left, right = getattr(ours, name), getattr(theirs, name)
        if left != right:
            is_alike = False
            findings.add(Difference("image", (name,), Kind.VALUE, left, right))
    if is_alike and asked.compare == "exchangeable":
        findings.looks = distances(ours.pixels, theirs.pixels)
    elif is_alike and asked.compare != "contract":
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
        orientation=_orientation(picture),
        metadata=_metadata(picture),
        pixels=picture,
    )


def _orientation(picture: Image.Image) -> int:
    try:
        with warnings.catch_warnings():
            # That Exif is broken is not for our log.
            warnings.simplefilter("ignore")
            turned = picture.getexif().get(_ORIENTATION, 1)
    except (OSError, SyntaxError, ValueError, struct.error):
        # Exif that nobody can read turns nothing.
        return 1
    return turned if isinstance(turned, int) and 1 <= turned <= _MOST_ORIENTATION else 1


def _metadata(picture: Image.Image) -> str:
    texts = getattr(picture, "text", {})
    return ", ".join(sorted({*_METADATA & picture.info.keys(), *map(str, texts)}))


def _compare_pixels(
    ours: Image.Image, theirs: Image.Image, asked: Pictures, findings: Findings
) -> None:
    """Compare frame by frame; the first that differs says enough."""
    for frame in range(getattr(ours, "n_frames", 1)):
        if not _is_at(ours, frame):
            raise PictureError(f"frame {frame + 1} of the control's picture cannot be decoded")
        if not _is_at(theirs, frame):
            why = f"frame {frame + 1} cannot be decoded"
            findings.add(Difference("image", (), Kind.UNREADABLE, ours.format, why))
            return
        found = _difference(ours, theirs)
        if found is None:
            continue
        (left, upper, right, lower), far = found
        if asked.compare == "perceptual" and far <= asked.distance:
            continue
        where = f"differs within {left},{upper} to {right},{lower}; distance {far:.3f}"
        where += f"; frame {frame + 1}" if frame else ""
        findings.add(Difference("image", ("pixels",), Kind.PIXELS, "", where))
        return


def _is_at(picture: Image.Image, frame: int) -> bool:
    """Whether the picture stands at that frame now, decoded."""
    try:
        picture.seek(frame)
        picture.load()
    except (OSError, SyntaxError, ValueError, EOFError):
        return False
    return True


_Box = tuple[int, int, int, int]


def _difference(ours: Image.Image, theirs: Image.Image) -> tuple[_Box, float] | None:
    """The box within which two frames differ, and how far; None if they are equal."""
    if ours.mode in _DEEP or ours.mode.startswith("I;"):
        # How these look cannot be said: any difference is as far as there is.
        is_same = ours.tobytes() == theirs.tobytes()
        return None if is_same else ((0, 0, *ours.size), 1.0)
    is_bare = ours.mode in _EIGHT_BIT and not _TRANSPARENCY & {*ours.info, *theirs.info}
    sides = (ours, theirs) if is_bare else (ours.convert("RGBA"), theirs.convert("RGBA"))
    box = ImageChops.difference(*sides).getbbox(alpha_only=False)
    return None if box is None else (box, distance(ours, theirs))


def distance(ours: Image.Image, theirs: Image.Image) -> float:
    """How differently two pictures look, 0..1: the greater of ``shape`` and ``colour``."""
    found = distances(ours, theirs)
    return max(found["shape"], found["colour"])


def distances(ours: Image.Image, theirs: Image.Image) -> dict[str, float]:
    """How far apart two pictures are, by feature, each 0..1.

    ``shape`` is the share of 64 gradients that point the other way (a difference hash); ``colour``
    the mean difference when both are scaled down to eight by eight; ``tint`` that of their mean
    colours; ``sharpness`` that of how much there is of edges.
    """
    small = [each.convert("RGB").resize((_SIDE, _SIDE), _BOX).tobytes() for each in (ours, theirs)]
    tints = [each.convert("RGB").resize((1, 1), _BOX).tobytes() for each in (ours, theirs)]
    return {
        "shape": (_gradients(ours) ^ _gradients(theirs)).bit_count() / _SIDE**2,
        "colour": _mean_difference(small[0], small[1]),
        "tint": _mean_difference(tints[0], tints[1]),
        "sharpness": abs(_sharpness(ours) - _sharpness(theirs)),
    }


def read_picture(content: bytes) -> Image.Image | None:
    """The picture of an answer, decoded; None if it cannot be, or is too large to."""
    try:
        found = _open(content)
    except PictureError:
        return None
    return found.pixels if found is not None else None


def _mean_difference(ours: bytes, theirs: bytes) -> float:
    return sum(abs(a - b) for a, b in zip(ours, theirs, strict=True)) / len(ours) / 255


def _sharpness(picture: Image.Image) -> float:
    """The mean strength of edges, 0..1, of the picture at one size."""
    grey = picture.convert("L").resize((_EDGES_SIDE, _EDGES_SIDE), _BOX)
    return ImageStat.Stat(grey.filter(ImageFilter.FIND_EDGES)).mean[0] / 255


def _gradients(picture: Image.Image) -> int:
    grey = picture.convert("L").resize((_SIDE + 1, _SIDE), _BOX).tobytes()
    bits = 0
    for row in range(_SIDE):
        for column in range(_SIDE):
            at = row * (_SIDE + 1) + column
            bits = bits << 1 | (grey[at] > grey[at + 1])
    return bits
