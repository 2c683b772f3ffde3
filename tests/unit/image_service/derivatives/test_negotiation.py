"""Who gets which format."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_service.derivatives.negotiation import negotiate

_CHROME = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
_FIREFOX = "image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5"
_OLD_SAFARI = "image/webp,image/png,image/svg+xml,image/*;q=0.8,video/*;q=0.8,*/*;q=0.5"


@pytest.mark.parametrize(
    ("accept", "media_format"),
    [
        pytest.param(_CHROME, "avif", id="realistic: Chrome"),
        pytest.param(_FIREFOX, "avif", id="realistic: Firefox"),
        pytest.param(_OLD_SAFARI, "webp", id="realistic: Safari 15"),
        pytest.param("*/*", "jpeg", id="realistic: curl"),
        pytest.param(None, "jpeg", id="realistic: none"),
        pytest.param("", "jpeg", id="synthetic: empty"),
        pytest.param("image/*", "jpeg", id="synthetic: any picture"),
        pytest.param("image/png", "png", id="synthetic: PNG"),
        pytest.param("image/*, image/jpeg;q=0", "png", id="synthetic: anything but JPEG"),
        pytest.param("IMAGE/WEBP ; Q=0.1", "webp", id="synthetic: shouted"),
        pytest.param("image/avif;q=0, */*", "jpeg", id="synthetic: no AVIF"),
        pytest.param("image/avif;q=0.000,image/webp", "webp", id="synthetic: no AVIF, precisely"),
        pytest.param("text/html", None, id="synthetic: a page"),
        pytest.param("*/*;q=0", None, id="synthetic: nothing"),
        pytest.param("image/svg+xml", None, id="synthetic: SVG alone"),
        pytest.param("x/y," * 5000 + "image/avif", None, id="pathological: too many"),
    ],
)
def test_a_customer_gets_the_smallest_format_that_is_taken(
    accept: str | None, media_format: str | None
) -> None:
    assert negotiate(accept) == media_format


@given(st.text())
def test_any_header_has_an_answer(accept: str) -> None:
    assert negotiate(accept) in ("avif", "webp", "jpeg", "png", None)
