"""Making derivatives."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image

from image_service.derivatives.recipe import Fit, Format, Recipe
from image_service.derivatives.rendering import render
from image_service.errors import UnreadablePictureError
from image_service.media import media_type_of


def _recipe(
    media_format: Format = "png",
    width: int | None = None,
    height: int | None = None,
    fit: Fit = "contain",
) -> Recipe:
    return Recipe(media_format=media_format, width=width, height=height, fit=fit)


def _encoded(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


_PICTURE = _encoded(Image.linear_gradient("L").resize((300, 200)).convert("RGB"))


@pytest.mark.parametrize("media_format", ["avif", "webp", "jpeg", "png"])
def test_every_format_is_what_it_says(media_format: Format) -> None:
    content = render(_PICTURE, _recipe(media_format, 128))
    assert media_type_of(content[:16]) == f"image/{media_format}"
    with Image.open(io.BytesIO(content)) as picture:
        picture.load()
        assert (picture.mode, picture.size) == ("RGB", (128, 85))


@pytest.mark.parametrize(
    ("width", "height", "fit", "size"),
    [
        (None, None, "contain", (300, 200)),
        (64, None, "contain", (64, 43)),
        (None, 64, "contain", (96, 64)),
        (64, 64, "contain", (64, 43)),
        (64, 64, "cover", (64, 64)),
        (128, 64, "cover", (128, 64)),
        (1024, None, "contain", (300, 200)),
        (1024, 1024, "cover", (200, 200)),
        (1024, 256, "cover", (300, 75)),
    ],
)
def test_a_picture_is_brought_to_size_and_never_enlarged(
    width: int | None, height: int | None, fit: Fit, size: tuple[int, int]
) -> None:
    with Image.open(io.BytesIO(render(_PICTURE, _recipe("png", width, height, fit)))) as made:
        assert made.size == size


@pytest.mark.parametrize(("side", "made"), [((3000, 1000), (2048, 683)), ((100, 3000), (68, 2048))])
def test_a_large_original_is_brought_down_where_no_size_is_asked_for(
    side: tuple[int, int], made: tuple[int, int]
) -> None:
    large = _encoded(Image.new("RGB", side), compress_level=1)
    for recipe in (_recipe("png"), _recipe("png", 2048), _recipe("png", None, 2048)):
        with Image.open(io.BytesIO(render(large, recipe))) as picture:
            assert picture.size == made


def test_what_shines_through_stays_so_where_the_format_can_say_it() -> None:
    clear = _encoded(Image.new("RGBA", (40, 40), (255, 0, 0, 0)))
    for media_format in ("avif", "webp", "png"):
        with Image.open(io.BytesIO(render(clear, _recipe(media_format)))) as made:
            assert made.mode == "RGBA"
    with Image.open(io.BytesIO(render(clear, _recipe("jpeg")))) as made:
        assert made.getpixel((20, 20)) == (255, 255, 255)


def test_a_photograph_is_turned_upright_and_loses_where_it_was_taken() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # Orientation: turn right
    exif[0x010E] = "at home"
    photograph = _encoded(Image.new("RGB", (60, 40)), "JPEG", exif=exif)
    for media_format in ("avif", "webp", "jpeg", "png"):
        content = render(photograph, _recipe(media_format))
        assert b"at home" not in content
        with Image.open(io.BytesIO(content)) as made:
            assert made.size == (40, 60)
            assert dict(made.getexif()) == {}


def test_the_colour_profile_goes_along() -> None:
    from PIL import ImageCms  # noqa: PLC0415 - this test alone needs it

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    source = _encoded(Image.new("RGB", (40, 40)), icc_profile=profile)
    for media_format in ("avif", "webp", "jpeg", "png"):
        with Image.open(io.BytesIO(render(source, _recipe(media_format)))) as made:
            assert made.info["icc_profile"] == profile


def _png_claiming(width: int, height: int) -> bytes:
    """A tiny PNG whose header claims a huge picture."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    sized = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return b"\x89PNG\r\n\x1a\n" + sized + struct.pack(">I", 0) + b"IEND\xaeB`\x82"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"<svg xmlns='http://www.w3.org/2000/svg'/>", id="svg"),
        pytest.param(_PICTURE[:-40], id="cut"),
        pytest.param(_PICTURE[:60] + b"\xff" * 40, id="damaged"),
        pytest.param(_encoded(Image.new("RGB", (4, 4)), "GIF"), id="gif"),
        pytest.param(_encoded(Image.new("RGB", (4, 4)), "TIFF"), id="tiff"),
        pytest.param(_png_claiming(4000, 4000), id="large"),
        pytest.param(_png_claiming(10_000, 10_000), id="huge"),
        pytest.param(_png_claiming(60_000, 60_000), id="bomb"),
    ],
)
def test_what_cannot_be_decoded_safely_is_not(content: bytes) -> None:
    with pytest.raises(UnreadablePictureError):
        render(content, _recipe("webp", 64))


def test_the_same_recipe_gives_the_same_bytes() -> None:
    for media_format in ("avif", "webp", "jpeg", "png"):
        recipe = _recipe(media_format, 128)
        assert render(_PICTURE, recipe) == render(_PICTURE, recipe)
