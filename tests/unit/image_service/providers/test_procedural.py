"""The procedural renderer."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from image_service.painting.scenes import paint
from image_service.providers.procedural import render


def _open(content: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(content))
    picture.load()
    return picture


@pytest.mark.parametrize(("width", "height"), [(64, 48), (256, 256), (1024, 1536)])
def test_a_picture_has_exactly_the_ordered_size(width: int, height: int) -> None:
    picture = _open(render("praia", width, height))
    assert (picture.format, picture.mode, picture.size) == ("PNG", "RGB", (width, height))


@pytest.mark.parametrize(
    "prompt",
    ["mar", "montanha", "floresta", "cidade", "deserto", "neve", "campo", "lago"],
)
@pytest.mark.parametrize("hour", ["amanhecer", "dia", "pôr do sol", "anoitecer", "noite"])
def test_every_scene_can_be_painted_at_every_hour(prompt: str, hour: str) -> None:
    """And none of them is flat: light and dark are both there."""
    picture = paint(f"{prompt} {hour} com chuva", 64, 64, 0).convert("L")
    levels = [level for level, count in enumerate(picture.histogram()) if count]
    assert levels[-1] - levels[0] > 60


@pytest.mark.parametrize("prompt", ["", "\ud800", "\0", "日本", "x" * 4000, "{}%s\\"])
def test_any_prompt_is_painted(prompt: str) -> None:
    assert _open(render(prompt, 64, 64)).size == (64, 64)


def test_another_prompt_or_seed_is_another_picture() -> None:
    pictures = {
        render("praia", 64, 64),
        render("praia ", 64, 64),
        render("praia", 64, 64, seed=1),
        render("praia", 64, 64, seed=2),
    }
    assert len(pictures) == 4


def test_a_picture_says_how_it_was_made() -> None:
    assert _open(render("praia", 64, 64)).info == {
        "Software": "Figueira procedural renderer",
        "DigitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicMedia",
    }


def test_another_process_paints_the_same_bytes() -> None:
    """Whatever its hash seed: two deployments are compared byte for byte."""
    code = (
        "import hashlib; from image_service.providers.procedural import render; "
        "print(hashlib.sha256(render('cidade à noite', 256, 256)).hexdigest())"
    )
    done = subprocess.run(  # noqa: S603 - our own interpreter and code
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(Path(__file__).parents[4]), "PYTHONHASHSEED": "42"},
        capture_output=True,
        text=True,
        check=True,
    )
    here = hashlib.sha256(render("cidade à noite", 256, 256)).hexdigest()
    assert done.stdout.strip() == here
