"""OpenAI's image models: which live, which are gone, what sizes they make."""

from __future__ import annotations

from collections.abc import Sequence

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
# What every GPT image model makes (openai 3.54, types/image_generate_params.py). Newer ones make
# other sizes too; these three are the only ones that no model refuses.
_MADE = (SIZES["1024x1024"], SIZES["1536x1024"], SIZES["1024x1536"])
# Scaled down further, a picture that was paid for at its full size would be thrown away.
_LARGEST_FACTOR = 4


def offered_models(providers: Sequence[str], models: Sequence[str]) -> tuple[str, ...]:
    """Return the names of models under which a client may order.

    It is the one that OpenAI is asked for first: whoever names a model is billed for that one. The
    renderer costs nothing and stands in for all of them, under their names as under its own.
    """
    return (models[0],) if providers[0] == "openai" else (providers[0], *KNOWN_MODELS)


def size_to_order(size: Size) -> Size | None:
    """Return the size to ask OpenAI for: the smallest whole multiple of ``size`` that is made.

    None when there is none: such an order is refused before anything is bought.
    """
    for factor in range(1, _LARGEST_FACTOR + 1):
        larger = Size(width=size.width * factor, height=size.height * factor)
        if larger in _MADE:
            return larger
    return None
