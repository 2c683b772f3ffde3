"""What a client asks for, read purely: every parameter of the Images API has an answer here.

What is not done is refused by name. A parameter that was silently ignored would be paid for and
missed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar

from image_service.contract import PROMPT_LIMIT_CHARACTERS, SIZES, Order, Quality, Size
from image_service.json_text import JsonError, read_strict_json
from image_service.openai_api.failing import RefusedError

Format = Literal["png", "jpeg", "webp"]
T = TypeVar("T", bound=str)

# As many as the Images API makes at once.
_MOST_PICTURES = 10
_MOST_PARTIALS = 3
_LONGEST_IDENTIFIER = 512
# How much of a wrong value is shown.
_SHOWN_CHARACTERS = 60

_QUALITIES: tuple[Quality, ...] = ("auto", "low", "medium", "high")
_FORMATS: tuple[Format, ...] = ("png", "jpeg", "webp")
# Parameters of the Images API that need something which is not done here, and why.
_NOT_DONE = {
    "complexity": "the provider's own is used",
    "frame_count": "pictures do not move",
    "frame_duration_ms": "pictures do not move",
    "style": "describe the style in the prompt",
    "svg": "pictures are made of pixels",
}
_KNOWN = frozenset(
    {
        "background",
        "model",
        "moderation",
        "n",
        "output_compression",
        "output_format",
        "partial_images",
        "prompt",
        "quality",
        "response_format",
        "safety_identifier",
        "size",
        "stream",
        "user",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """A valid request for pictures.

    Attributes:
        order: What each of them shows.
        count: How many, 1..10; 1 when streamed.
        output_format: How they are encoded in the answer.
        compression: Quality of JPEG and WebP, 0..100.
        is_url: Whether the answer names addresses instead of holding pictures.
        is_streamed: Whether the answer is a stream of events.
        partials: How many pictures on the way are wanted, 0..3.
    """

    order: Order
    count: int
    output_format: Format
    compression: int
    is_url: bool
    is_streamed: bool
    partials: int


def read_generation(body: bytes, models: tuple[str, ...]) -> Generation:
    """Read the body of ``POST /v1/images/generations``.

    Args:
        body: As it came.
        models: The names under which this service paints.

    Raises:
        RefusedError: For the first thing that is wrong, in OpenAI's own words and codes.
    """
    asked = _read_object(body)
    for name in asked:
        if name in _NOT_DONE:
            raise _refusal(
                name, f"'{name}' is not supported: {_NOT_DONE[name]}.", "unsupported_parameter"
            )
        if name not in _KNOWN:
            param = name if name.isascii() and name.isidentifier() else None
            raise _refusal(param, f"Unknown parameter: {_shown(name)}.", "unknown_parameter")
    check_model(asked.get("model"), models)
    for name in ("safety_identifier", "user"):
        _check_identifier(asked, name)
    _choice(asked, "background", ("auto", "opaque"))
    _choice(asked, "moderation", ("auto",))
    output_format = _choice(asked, "output_format", _FORMATS)
    is_streamed = _flag(asked, "stream")
    is_url = _choice(asked, "response_format", ("b64_json", "url")) == "url"
    if is_url and (is_streamed or output_format != "png"):
        raise _refusal("response_format", "'url' goes with PNG and without 'stream' alone.")
    count = _whole(asked, "n", (1, 1 if is_streamed else _MOST_PICTURES), default=1)
    partials = _whole(asked, "partial_images", (0, _MOST_PARTIALS if is_streamed else 0), default=0)
    lossless = output_format == "png"
    compression = _whole(asked, "output_compression", (100 if lossless else 0, 100), default=100)
    return Generation(
        order=Order(
            prompt=_prompt(asked.get("prompt")),
            size=_size(asked),
            product_id=None,
            quality=_choice(asked, "quality", _QUALITIES),
        ),
        count=count,
        output_format=output_format,
        compression=compression,
        is_url=is_url,
        is_streamed=is_streamed,
        partials=partials,
    )


def check_model(asked: object, models: tuple[str, ...]) -> None:
    """Refuse a model that is not painted with here; None takes the service's own.

    Raises:
        RefusedError: 404, as OpenAI answers it.
    """
    if asked is not None and asked not in models:
        raise RefusedError(
            f"The model {_shown(asked)} does not exist here. Ask for {' or '.join(models[:2])}, "
            "or for none.",
            status=404,
            param="model",
            code="model_not_found",
        )


def _read_object(body: bytes) -> Mapping[str, object]:
    try:
        value = read_strict_json(body)
    except JsonError as error:
        raise RefusedError(str(error), code="invalid_json") from error
    if not isinstance(value, dict):
        raise RefusedError("The body is not a JSON object.", code="invalid_json")
    return value


def _prompt(value: object) -> str:
    if value is None:
        raise _refusal(
            "prompt", "Missing required parameter: 'prompt'.", "missing_required_parameter"
        )
    if not isinstance(value, str) or not value.strip():
        raise _refusal("prompt", "'prompt' must be a text that says something.")
    if len(value) > PROMPT_LIMIT_CHARACTERS:
        limit = f"at most {PROMPT_LIMIT_CHARACTERS} characters"
        raise _refusal("prompt", f"'prompt' must have {limit}.", "string_above_max_length")
    return value


def _size(asked: Mapping[str, object]) -> Size:
    sizes = ("1024x1024", *(name for name in SIZES if name != "1024x1024"))
    chosen = _choice(asked, "size", ("auto", *sizes))
    return SIZES["1024x1024" if chosen == "auto" else chosen]


def _choice(asked: Mapping[str, object], name: str, choices: tuple[T, ...]) -> T:
    """Return one of the choices; the first when nothing is asked."""
    value = asked.get(name)
    if value is None:
        return choices[0]
    for choice in choices:
        if value == choice:
            return choice
    listed = ", ".join(f"'{choice}'" for choice in choices)
    raise _refusal(name, f"Invalid value: {_shown(value)}. Supported values are: {listed}.")


def _whole(asked: Mapping[str, object], name: str, limits: tuple[int, int], *, default: int) -> int:
    value = asked.get(name)
    if value is None:
        return default
    low, high = limits
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        only = f"{low}" if low == high else f"a whole number from {low} to {high}"
        raise _refusal(name, f"Invalid value: {_shown(value)}. Here '{name}' must be {only}.")
    return value


def _flag(asked: Mapping[str, object], name: str) -> bool:
    value = asked.get(name)
    if value is not None and not isinstance(value, bool):
        raise _refusal(name, f"'{name}' must be true or false.")
    return value is True


def _check_identifier(asked: Mapping[str, object], name: str) -> None:
    """Refuse what no identifier looks like; the provider is told our own hash of the customer."""
    value = asked.get(name)
    if value is None:
        return
    is_plain = isinstance(value, str) and value.isascii() and (value.isprintable() or not value)
    if not isinstance(value, str) or not is_plain or len(value) > _LONGEST_IDENTIFIER:
        limit = f"at most {_LONGEST_IDENTIFIER} printable ASCII characters"
        raise _refusal(name, f"'{name}' must have {limit}.")


def _refusal(param: str | None, message: str, code: str = "invalid_value") -> RefusedError:
    return RefusedError(message, param=param, code=code)


def _shown(value: object) -> str:
    """Show a value on one line, in ASCII, and of bounded length."""
    text = ascii(value) if isinstance(value, str | int | float) else type(value).__name__
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."
