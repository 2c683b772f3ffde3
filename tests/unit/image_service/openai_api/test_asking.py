"""Reading a request for pictures."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_service.contract import SIZES
from image_service.openai_api.asking import Generation, read_generation
from image_service.openai_api.failing import RefusedError

_MODELS = ("gpt-image-2", "other")


def _read(**fields: object) -> Generation:
    return read_generation(json.dumps({"prompt": "praia", **fields}).encode(), _MODELS)


def test_a_prompt_is_enough() -> None:
    asked = _read()
    assert (asked.order.prompt, asked.order.size, asked.order.quality) == (
        "praia",
        SIZES["1024x1024"],
        "auto",
    )
    assert (asked.count, asked.output_format, asked.compression, asked.partials) == (
        1,
        "png",
        100,
        0,
    )
    assert (asked.is_streamed, asked.is_url) == (False, False)


def test_null_counts_as_unset() -> None:
    names = ("model", "n", "size", "quality", "stream", "background", "user", "output_format")
    assert _read(**dict.fromkeys(names)) == _read()


def test_everything_that_is_done_can_be_asked_for() -> None:
    asked = _read(
        model="gpt-image-2",
        size="1536x1024",
        quality="high",
        stream=True,
        partial_images=3,
        output_format="webp",
        output_compression=40,
        background="opaque",
        moderation="auto",
        response_format="b64_json",
        safety_identifier="c0ffee",
        user="older",
        n=1,
    )
    assert (asked.order.size, asked.order.quality) == (SIZES["1536x1024"], "high")
    assert (asked.is_streamed, asked.partials, asked.compression) == (True, 3, 40)


@pytest.mark.parametrize(
    ("fields", "param", "code", "status"),
    [
        ({"prompt": None}, "prompt", "missing_required_parameter", 400),
        ({"prompt": "  "}, "prompt", "invalid_value", 400),
        ({"prompt": 5}, "prompt", "invalid_value", 400),
        ({"prompt": "x" * 4001}, "prompt", "string_above_max_length", 400),
        ({"prompt": "\ud800"}, None, "invalid_json", 400),
        ({"model": "dall-e-3"}, "model", "model_not_found", 404),
        ({"model": 5}, "model", "model_not_found", 404),
        ({"n": 0}, "n", "invalid_value", 400),
        ({"n": 11}, "n", "invalid_value", 400),
        ({"n": True}, "n", "invalid_value", 400),
        ({"n": 2, "stream": True}, "n", "invalid_value", 400),
        ({"size": "1x1"}, "size", "invalid_value", 400),
        ({"size": ["1024x1024"]}, "size", "invalid_value", 400),
        ({"quality": "hd"}, "quality", "invalid_value", 400),
        ({"background": "transparent"}, "background", "invalid_value", 400),
        ({"moderation": "low"}, "moderation", "invalid_value", 400),
        ({"output_format": "gif"}, "output_format", "invalid_value", 400),
        ({"output_format": "svg"}, "output_format", "invalid_value", 400),
        ({"output_compression": 50}, "output_compression", "invalid_value", 400),
        ({"output_compression": 101, "output_format": "jpeg"}, "output_compression", None, 400),
        ({"partial_images": 1}, "partial_images", "invalid_value", 400),
        ({"partial_images": 4, "stream": True}, "partial_images", "invalid_value", 400),
        ({"stream": "yes"}, "stream", "invalid_value", 400),
        ({"response_format": "url", "stream": True}, "response_format", "invalid_value", 400),
        ({"response_format": "url", "output_format": "webp"}, "response_format", None, 400),
        ({"user": "x" * 513}, "user", "invalid_value", 400),
        ({"safety_identifier": "a\nb"}, "safety_identifier", "invalid_value", 400),
        ({"style": "vivid"}, "style", "unsupported_parameter", 400),
        ({"svg": {}}, "svg", "unsupported_parameter", 400),
        ({"frame_count": 3}, "frame_count", "unsupported_parameter", 400),
        ({"promt": "x"}, "promt", "unknown_parameter", 400),
        ({"<b>": "x"}, None, "unknown_parameter", 400),
    ],
)
def test_what_is_not_done_is_refused_by_name(
    fields: dict[str, object], param: str | None, code: str | None, status: int
) -> None:
    with pytest.raises(RefusedError) as refusal:
        _read(**fields)
    assert (refusal.value.param, refusal.value.status) == (param, status)
    assert refusal.value.code == (code or "invalid_value")
    assert len(refusal.value.message) < 300


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"null", b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(RefusedError, match="The body is n"):
        read_generation(body, _MODELS)


_NAMES = st.sampled_from(["model", "n", "size", "quality", "stream", "output_format", "user", "x"])
_VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.none())


@given(st.dictionaries(_NAMES, _VALUES))
def test_any_object_is_read_or_refused_in_one_ascii_line(fields: dict[str, object]) -> None:
    try:
        _read(**fields)
    except RefusedError as refusal:
        message = refusal.message
    else:
        return
    assert message.isascii()
    assert message.isprintable()
