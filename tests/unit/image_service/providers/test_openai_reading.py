"""Reading answers that may hold anything."""

from __future__ import annotations

import base64
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_service.errors import BadPictureError
from image_service.providers.openai_reading import decoded, first_picture, usage_of
from image_service.providers.port import Usage

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
_DETAILS = st.dictionaries(st.sampled_from(["text_tokens", "image_tokens"]), _JSON)
_USAGES = st.fixed_dictionaries(
    {},
    optional={
        "input_tokens": _JSON,
        "output_tokens": _JSON,
        "input_tokens_details": _JSON | _DETAILS,
        "output_tokens_details": _JSON | _DETAILS,
    },
)


@given(_JSON | st.fixed_dictionaries({"usage": _JSON | _USAGES, "data": _JSON}))
def test_nothing_that_an_answer_holds_breaks_the_reading(answer: object) -> None:
    usage = usage_of(answer)
    assert usage is None or 0 <= usage.output_image_tokens <= usage.output_tokens
    with contextlib.suppress(BadPictureError):
        assert decoded(first_picture(answer))


@given(st.binary(min_size=1))
def test_what_was_encoded_is_decoded(content: bytes) -> None:
    assert decoded(base64.b64encode(content).decode()) == content


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        pytest.param(
            {"input_tokens": 30, "output_tokens": 1056, "total_tokens": 1086},
            Usage(input_text_tokens=30, input_image_tokens=0, output_tokens=1056),
            id="without details all input is text and all output is image",
        ),
        pytest.param(
            {
                "input_tokens": 300,
                "output_tokens": 1100,
                "input_tokens_details": {"text_tokens": 20, "image_tokens": 280},
                "output_tokens_details": {"text_tokens": 44, "image_tokens": 1056},
            },
            Usage(
                input_text_tokens=20,
                input_image_tokens=280,
                output_tokens=1100,
                output_text_tokens=44,
            ),
            id="with details each is what it says",
        ),
        pytest.param({"input_tokens": -1, "output_tokens": 5}, None, id="negative"),
        pytest.param({"input_tokens": True, "output_tokens": 5}, None, id="not a number"),
        pytest.param({"input_tokens": 1}, None, id="half"),
        pytest.param(None, None, id="none"),
    ],
)
def test_usage_is_read_so_that_nothing_is_priced_too_low(
    usage: object, expected: Usage | None
) -> None:
    assert usage_of({"usage": usage}) == expected


def test_image_tokens_are_what_is_not_text() -> None:
    usage = Usage(
        input_text_tokens=1, input_image_tokens=0, output_tokens=100, output_text_tokens=30
    )
    assert usage.output_image_tokens == 70
