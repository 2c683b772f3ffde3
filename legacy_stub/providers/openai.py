"""Pictures bought from OpenAI, or from whoever speaks its API: one plain call, as in the old days.

The SDK's own defaults hold: it repeats a failed call twice and waits ten minutes for each. OpenAI
knows no idempotency key for pictures, so an order that timed out may be paid for three times. The
model's name is not looked at before the first customer has ordered.

Importing this module imports the SDK, which takes more than a second.
"""

from __future__ import annotations

import base64
import io
import re
import struct
import zlib
from typing import Literal

import openai
from PIL import Image

from legacy_stub import tracing
from legacy_stub.gallery.port import GalleryError
from legacy_stub.stopping import Stopping

BYTE_LIMIT = 64 * 1024 * 1024
PIXEL_LIMIT = 3840 * 2160  # the most that a model makes
WORD = re.compile(r"[a-z0-9_-]{1,80}", re.ASCII | re.IGNORECASE)
# what Pillow raises on a broken or hostile file
BROKEN = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, MemoryError,
          Image.DecompressionBombError)  # fmt: skip

Size = Literal["1024x1024", "1536x1024", "1024x1536"]
# every model makes the standard square as well; smaller ones are scaled down from it
SIZES: dict[tuple[int, int], Size] = {(1536, 1024): "1536x1024", (1024, 1536): "1024x1536"}


class OpenAIPainter:
    """Buys pictures.

    Args:
        model: What is asked for by this name.
        api_key: The account's.
        base_url: None for OpenAI itself.
        stopping: Ends the wait for an answer when the process ends.
    """

    def __init__(
        self, *, model: str, api_key: str, base_url: str | None, stopping: Stopping
    ) -> None:
        self._model = model
        self._client = openai.OpenAI(api_key=api_key, base_url=base_url)
        self._stopping = stopping

    def paint(self, prompt: str, width: int, height: int) -> bytes:
        """Buy a PNG and bring it to its size.

        Raises:
            GalleryError: There is none, for whatever reason.
        """
        size = SIZES.get((width, height), "1024x1024")
        headers = tracing.headers()
        encoded = self._stopping.await_(lambda: self._buy(prompt, size, headers))
        if len(encoded) > BYTE_LIMIT * 4 // 3:
            raise GalleryError(f"OpenAI: {len(encoded)} characters of base64 are too many")
        try:
            return fitted(base64.b64decode(encoded, validate=True), (width, height))
        except BROKEN as error:
            raise GalleryError(f"OpenAI: no PNG ({type(error).__name__})") from None

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _buy(self, prompt: str, size: Size, headers: dict[str, str]) -> str:
        try:
            answer: object = self._client.images.generate(
                model=self._model,
                prompt=prompt,
                size=size,
                n=1,
                output_format="png",
                extra_headers=headers,
            )
        except openai.APIStatusError as error:
            words = f"status {error.status_code}, code {_word(error.code)}"
            raise GalleryError(f"OpenAI: {words}, request {_word(error.request_id)}") from None
        # The SDK lets the JSON parser's own error through. Messages may quote prompt or key.
        except (openai.OpenAIError, ValueError) as error:
            raise GalleryError(f"OpenAI: {type(error).__name__}") from None
        data = getattr(answer, "data", None)  # a 200 that is not JSON arrives as a str
        encoded = getattr(data[0], "b64_json", None) if isinstance(data, list) and data else None
        if not isinstance(encoded, str):
            raise GalleryError(f"OpenAI: no picture in the answer ({type(answer).__name__})")
        return encoded


def fitted(content: bytes, sides: tuple[int, int]) -> bytes:
    """Return a PNG as RGB and exactly ``sides`` pixels; one that is so already, byte for byte.

    Raises:
        OSError: It is no PNG, or too many pixels; Pillow raises others of ``BROKEN``, too.
    """
    with Image.open(io.BytesIO(content), formats=("PNG",)) as picture:
        if picture.width * picture.height > PIXEL_LIMIT:
            raise OSError(f"{picture.width}x{picture.height} is more than {PIXEL_LIMIT} pixels")
        picture.load()
        if picture.size == sides and picture.mode == "RGB":
            return content
        flat = picture.convert("RGB").resize(sides)
    out = io.BytesIO()
    flat.save(out, "PNG")
    return out.getvalue()


def _word(value: object) -> str:
    """Show a short identifier of the answer; anything else that stands there is hidden."""
    return value if isinstance(value, str) and WORD.fullmatch(value) else "(unreadable)"
