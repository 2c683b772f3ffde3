"""Checking what a provider sent."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image

from image_service.contract import SIZES
from image_service.errors import BadPictureError
from image_service.pictures import normalised

_SQUARE = SIZES["256x256"]


def _encoded(kind: str = "PNG", mode: str = "RGB", side: tuple[int, int] = (256, 256)) -> bytes:
    out = io.BytesIO()
    Image.new(mode, side, "teal" if mode != "P" else 3).save(out, kind)
    return out.getvalue()


def _png_claiming(width: int, height: int) -> bytes:
    """A tiny PNG whose header claims a huge picture."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    sized = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return b"\x89PNG\r\n\x1a\n" + sized + struct.pack(">I", 0) + b"IEND\xaeB`\x82"


def test_a_picture_as_ordered_is_kept_byte_for_byte() -> None:
    content = _encoded()
    assert normalised(content, _SQUARE) is content


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(_encoded("JPEG"), id="jpeg"),
        pytest.param(_encoded("WEBP"), id="webp"),
        pytest.param(_encoded(mode="RGBA"), id="transparent"),
        pytest.param(_encoded(mode="L"), id="grey"),
        pytest.param(_encoded(mode="P"), id="palette"),
        pytest.param(_encoded(side=(1024, 1024)), id="larger"),
        pytest.param(_encoded(side=(128, 128)), id="smaller"),
    ],
)
def test_any_other_picture_becomes_a_png_of_the_ordered_size(content: bytes) -> None:
    with Image.open(io.BytesIO(normalised(content, _SQUARE))) as picture:
        picture.load()
        assert (picture.format, picture.mode, picture.size) == ("PNG", "RGB", (256, 256))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(b"", "cannot be decoded", id="empty"),
        pytest.param(b"<html>502 Bad Gateway</html>", "cannot be decoded", id="html"),
        pytest.param(_encoded()[:-30], "cannot be decoded", id="cut"),
        pytest.param(_encoded("GIF"), "cannot be decoded", id="gif"),
        pytest.param(_encoded()[:60] + b"\xff" * 40, "cannot be decoded", id="damaged"),
        pytest.param(_encoded(side=(256, 512)), "256x512 came for an order of", id="proportions"),
        pytest.param(_png_claiming(9000, 9000), "9000x9000 is more than", id="huge"),
        pytest.param(_png_claiming(60_000, 60_000), "DecompressionBombError", id="bomb"),
    ],
)
def test_what_is_not_the_ordered_picture_is_refused(content: bytes, says: str) -> None:
    with pytest.raises(BadPictureError, match=says):
        normalised(content, _SQUARE)
