"""The answers of the Images API, written purely."""

from __future__ import annotations

import json

from image_service.openai_api.asking import Generation
from image_service.providers.usage import Usage

_NOTHING = Usage(input_text_tokens=0, input_image_tokens=0, output_tokens=0)


def shape(asked: Generation) -> dict[str, object]:
    """Return what an answer says about how its pictures were made."""
    said: dict[str, object] = {
        "background": "opaque",
        "output_format": asked.output_format,
        "size": str(asked.order.size),
    }
    if asked.order.quality != "auto":
        said["quality"] = asked.order.quality
    return said


def images_members(asked: Generation, *, usage: Usage | None, now: float) -> dict[str, object]:
    """Return what the body of a finished request says beside its pictures."""
    return {"created": int(now), **shape(asked), "usage": usage_object(usage)}


def usage_object(usage: Usage | None) -> dict[str, object]:
    """Return the usage; zeros where the provider counts nothing."""
    counted = usage or _NOTHING
    entered = counted.input_text_tokens + counted.input_image_tokens
    return {
        "input_tokens": entered,
        "input_tokens_details": {
            "text_tokens": counted.input_text_tokens,
            "image_tokens": counted.input_image_tokens,
        },
        "output_tokens": counted.output_tokens,
        "output_tokens_details": {
            "text_tokens": counted.output_tokens - counted.output_image_tokens,
            "image_tokens": counted.output_image_tokens,
        },
        "total_tokens": entered + counted.output_tokens,
    }


def summed(usages: list[Usage | None]) -> Usage | None:
    """Add up what several pictures used; None when none of them says."""
    known = [usage for usage in usages if usage is not None]
    if not known:
        return None
    return Usage(
        input_text_tokens=sum(usage.input_text_tokens for usage in known),
        input_image_tokens=sum(usage.input_image_tokens for usage in known),
        output_tokens=sum(usage.output_tokens for usage in known),
        output_text_tokens=sum(usage.output_text_tokens or 0 for usage in known),
    )


def event(kind: str, fields: dict[str, object]) -> bytes:
    """Return a server-sent event whose data say its kind once more, as OpenAI's do."""
    data = json.dumps({"type": kind, **fields}, separators=(",", ":"))
    return f"event: {kind}\ndata: {data}\n\n".encode("ascii")
