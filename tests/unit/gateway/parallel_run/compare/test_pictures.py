"""Pictures: the contract, the pixels, the looks."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image, ImageFilter

from gateway.parallel_run.classes import TrialClass
from gateway.parallel_run.comparison import Comparison
from gateway.parallel_run.plan import Pictures, Rules
from tests.unit.gateway.parallel_run.compare.laying import answer, lay, places

PNG = b"image/png"


def _scene(colour: tuple[int, int, int] = (200, 120, 40), size: int = 64) -> Image.Image:
    scene = Image.linear_gradient("L").resize((size, size)).convert("RGB")
    scene.paste(colour, (size // 8, size // 8, size // 2, size // 2))
    return scene


def _encoded(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def _lay(control: bytes, candidate: bytes, pictures: Pictures | None = None) -> Comparison:
    rules = Rules(pictures=pictures or Pictures())
    return lay(answer(control, PNG), answer(candidate, PNG), rules)


def test_the_same_pixels_packed_otherwise_match() -> None:
    scene = _scene()
    control, candidate = _encoded(scene, compress_level=1), _encoded(scene, compress_level=9)
    assert control != candidate
    assert _lay(control, candidate).became is TrialClass.MATCHED


@pytest.mark.parametrize(
    ("candidate", "found"),
    [
        (_encoded(_scene(), "WEBP", lossless=True), ["image:format value"]),
        (_encoded(_scene(size=32)), ["image:size value"]),
        (_encoded(_scene().convert("L")), ["image:mode value"]),
        (_encoded(_scene(), exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0"), ["image:metadata value"]),
        (_encoded(_scene())[:200], ["image unreadable"]),
        (b"<html>", ["image unreadable"]),
        (b"", ["image unreadable"]),
    ],
)
def test_the_contract_comes_first(candidate: bytes, found: list[str]) -> None:
    assert places(_lay(_encoded(_scene()), candidate)) == found


def test_one_pixel_is_found_and_where_it_is() -> None:
    other = _scene()
    other.putpixel((5, 9), (0, 0, 0))
    (found,) = _lay(_encoded(_scene()), _encoded(other)).mismatches
    assert found.place == "image:pixels"
    assert found.candidate.startswith("differs within 5,9 to 6,10;")


def test_transparency_counts_as_well() -> None:
    clear = _scene().convert("RGBA")
    other = clear.copy()
    other.putalpha(254)
    assert places(_lay(_encoded(clear), _encoded(other))) == ["image:pixels pixels"]


def test_pictures_may_be_declared_to_be_alike_when_they_look_alike() -> None:
    scene = _scene()
    soft = _encoded(scene.filter(ImageFilter.GaussianBlur(1)))
    other = _encoded(_scene((10, 200, 250)).rotate(90))
    looks = Pictures(compare="perceptual", distance=0.1)
    assert _lay(_encoded(scene), soft, looks).became is TrialClass.MATCHED
    assert _lay(_encoded(scene), other, looks).became is TrialClass.MISMATCHED
    contract = Pictures(compare="contract")
    assert _lay(_encoded(scene), other, contract).became is TrialClass.MATCHED


def test_a_control_s_picture_that_is_broken_cannot_be_compared() -> None:
    comparison = _lay(b"broken", _encoded(_scene()))
    assert comparison.became is TrialClass.COMPARE_FAILED
    assert comparison.fault == "the control's picture cannot be decoded"


def _huge(width: int, height: int) -> bytes:
    """A PNG of few bytes that says it is enormous."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("side", [10_000, 100_000])
def test_a_picture_that_would_fill_the_memory_is_not_decoded(side: int) -> None:
    """Of the candidate it is a difference; of the control, nothing can be said."""
    comparison = _lay(_encoded(_scene()), _huge(side, side))
    assert places(comparison) == ["image unreadable"]
    assert _lay(_huge(side, side), _encoded(_scene())).became is TrialClass.COMPARE_FAILED


def test_pictures_judged_by_many_are_held_against_the_contract_alone() -> None:
    asked = Pictures(compare="exchangeable")
    found = _lay(_encoded(_scene()), _encoded(_scene((10, 20, 200))), asked)
    assert found.became is TrialClass.MATCHED
    assert found.looks is not None
    assert found.looks["tint"] > 0
    smaller = _lay(_encoded(_scene()), _encoded(_scene(size=32)), asked)
    assert places(smaller) == ["image:size value"]
    assert smaller.looks is None


def _of_two(kind: str, second: tuple[int, int, int]) -> bytes:
    return _encoded(
        Image.new("RGB", (32, 32), (1, 2, 3)),
        kind,
        save_all=True,
        append_images=[Image.new("RGB", (32, 32), second)],
        duration=100,
    )


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_every_frame_of_an_animation_is_compared(kind: str) -> None:
    """The first one alone would let a candidate show anything behind it."""
    control, candidate = _of_two(kind, (200, 0, 0)), _of_two(kind, (0, 200, 0))
    (found,) = _lay(control, candidate).mismatches
    assert found.place == "image:pixels"
    assert found.candidate.endswith("; frame 2")


def test_how_a_picture_is_to_be_turned_is_part_of_the_contract() -> None:
    turned = []
    for orientation in (1, 6):
        exif = Image.Exif()
        exif[0x0112] = orientation
        turned.append(_encoded(_scene(), exif=exif))
    assert places(_lay(turned[0], turned[1])) == ["image:orientation value"]
    exif = Image.Exif()
    exif[0x010F] = "Leica"
    assert places(_lay(turned[0], _encoded(_scene(), exif=exif))) == []


def test_a_colour_that_is_made_transparent_is_a_difference() -> None:
    scene = Image.new("RGB", (8, 8), (10, 20, 30))
    clear = _encoded(scene, transparency=(10, 20, 30))
    assert places(_lay(_encoded(scene), clear)) == ["image:pixels pixels"]


@pytest.mark.parametrize(
    ("mode", "kind", "sides"),
    [
        ("I;16", "PNG", (1000, 2000)),
        ("I", "TIFF", (700, 900)),
        ("F", "TIFF", (700.5, 900.5)),
        ("LAB", "TIFF", ((1, 2, 3), (200, 2, 3))),
    ],
)
def test_pixels_of_more_than_eight_bits_are_compared(
    mode: str, kind: str, sides: tuple[object, object]
) -> None:
    """Converted to eight bits, all of them would be white."""
    control, candidate = (_encoded(Image.new(mode, (8, 8), side), kind) for side in sides)  # type: ignore[arg-type]  # a colour of the mode
    assert places(_lay(control, candidate)) == ["image:pixels pixels"]
