"""Reads pictures and usage out of OpenAI's answers, believing nothing.

The SDK builds its types without checking them: any field may hold anything.
"""

from __future__ import annotations

import base64
import binascii

from image_service.errors import BadPictureError
from image_service.pictures import BYTE_LIMIT
from image_service.providers.usage import Usage

# Four characters of base64 carry three bytes.
BASE64_LIMIT = BYTE_LIMIT * 4 // 3 + 4
# Of tokens; a picture takes some thousands.
_LARGEST_COUNT = 10**9


def field(holder: object, name: str) -> object:
    """Return a field of an object or of a mapping; None when there is none."""
    return holder.get(name) if isinstance(holder, dict) else getattr(holder, name, None)


def first_picture(answer: object) -> object:
    """Return what stands where a finished answer has its picture, not yet decoded."""
    data = field(answer, "data")
    return field(data[0], "b64_json") if isinstance(data, list) and data else None


def decoded(encoded: object) -> bytes:
    """Decode a picture.

    Raises:
        BadPictureError: It is not there, too long, or not base64.
    """
    if not isinstance(encoded, str) or not encoded:
        raise BadPictureError(f"the answer holds no picture ({type(encoded).__name__})")
    if len(encoded) > BASE64_LIMIT:
        raise BadPictureError(f"{len(encoded)} characters of base64 are too many")
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadPictureError("the picture is not base64") from error


def usage_of(answer: object) -> Usage | None:
    """Return what an answer says it used; None when it does not, or not in numbers.

    Without details the whole input is text, as nothing else was sent, and the whole output is
    image: the Images API leaves the details out.
    """
    usage = field(answer, "usage")
    entered, made = _count(usage, "input_tokens"), _count(usage, "output_tokens")
    if entered is None or made is None:
        return None
    of_input = field(usage, "input_tokens_details")
    pictures = min(_count(of_input, "image_tokens") or 0, entered)
    text = _count(field(usage, "output_tokens_details"), "text_tokens")
    return Usage(
        input_text_tokens=entered - pictures,
        input_image_tokens=pictures,
        output_tokens=made,
        output_text_tokens=None if text is None else min(text, made),
    )


def _count(holder: object, name: str) -> int | None:
    value = field(holder, name)
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if 0 <= value <= _LARGEST_COUNT else None
