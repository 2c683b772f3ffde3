"""OpenAI's image models: which live, which are gone, what sizes they make."""

from __future__ import annotations

from image_service.contract import SIZES, Size

DEFAULT_MODEL = "gpt-image-2.5-flare"

# openai 3.54, types/image_model.py
KNOWN_MODELS = (
    "gpt-image-2.6-sunburst",
    "gpt-image-2.6-flare",
    "gpt-image-2.5-sunburst",
    "gpt-image-2.5-sunburst-2026-09-08",
    "gpt-image-2.5-flare",
    "gpt-image-2.5-flare-2026-09-08",
    "gpt-image-2",
    "gpt-image-2-2026-04-21",
    "gpt-image-1.5",
    "gpt-image-1-mini",
    "chatgpt-image-latest",
)
# Model -> the day it stopped answering.
RETIRED_MODELS = {
    "dall-e-2": "2026-05-12",
    "dall-e-3": "2026-05-12",
    "gpt-image-1": "2026-10-23",
}
# Every GPT image model makes pictures with sides of 1024 and 1536 pixels. The smaller squares
# are legacy sizes of the retired models: the standard square is ordered and scaled down.
_STANDARD_SQUARE = SIZES["1024x1024"]


def size_to_order(size: Size) -> Size:
    """Return the size to ask OpenAI for, of the same proportions as ``size``."""
    return size if max(size.width, size.height) >= _STANDARD_SQUARE.width else _STANDARD_SQUARE
