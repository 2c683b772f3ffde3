"""What may be asked of a blob."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_service.blobs.port import path_of
from image_service.derivatives.recipe import (
    LARGEST_SIDE,
    PRESET_SIDES,
    Asked,
    Fit,
    Format,
    parse_asked,
    signature,
)
from image_service.problems import ProblemError

_SHA256 = "0123456789abcdef" * 4
_KEY = b"a key of thirty-two bytes or more"


def _parse(name: str, query: str = "", *, key: bytes | None = None) -> Asked:
    return parse_asked(name, parse_qsl(query, keep_blank_values=True), url_key=key)


def _asked(
    media_format: Format | None = None,
    width: int | None = None,
    height: int | None = None,
    fit: Fit = "contain",
) -> Asked:
    return Asked(sha256=_SHA256, media_format=media_format, width=width, height=height, fit=fit)


@pytest.mark.parametrize(
    ("suffix", "query", "asked"),
    [
        ("", "", _asked()),
        (".avif", "", _asked("avif")),
        (".webp", "", _asked("webp")),
        (".jpg", "", _asked("jpeg")),
        (".png", "w=64", _asked("png", 64)),
        ("", "h=1024", _asked(None, None, 1024)),
        ("", "h=128&w=256", _asked(None, 256, 128)),
        (".webp", "w=256&h=256&fit=cover", _asked("webp", 256, 256, "cover")),
        (".webp", "fit=contain&w=256&h=256", _asked("webp", 256, 256)),
    ],
)
def test_what_may_be_asked(suffix: str, query: str, asked: Asked) -> None:
    assert _parse(_SHA256 + suffix, query) == asked


@pytest.mark.parametrize(
    "name",
    [
        "",
        "file",
        _SHA256[1:],
        _SHA256 + "0",
        _SHA256.upper(),
        f"{_SHA256}.gif",
        f"{_SHA256}.svg",
        f"{_SHA256}.PNG",
        f"{_SHA256}.png.webp",
        f"{_SHA256}\n",
        f"{_SHA256}.",
        "../" + _SHA256,
        "..",
        "\u0661" * 64,
    ],
)
def test_a_name_that_no_blob_can_have_is_not_found(name: str) -> None:
    with pytest.raises(ProblemError) as error:
        _parse(name)
    assert error.value.problem.code == "not-found"


@pytest.mark.parametrize(
    "query",
    [
        "w=100",
        "w=0",
        "w=-64",
        "w=+64",
        "w=064",
        "w=64.0",
        "w=",
        "w=" + "9" * 400,
        "w=\u0666\u0664",
        "w=2048",
        "w=64&w=64",
        "w=64&width=64",
        "x=1",
        "fit=cover",
        "w=64&fit=cover",
        "w=64&h=64&fit=fill",
        "w=64&h=64&fit=",
        "W=64",
    ],
)
def test_any_other_parameter_is_refused(query: str) -> None:
    with pytest.raises(ProblemError) as error:
        _parse(_SHA256, query)
    assert error.value.problem.code == "invalid-parameter"


def test_a_signature_opens_any_size() -> None:
    name = f"{_SHA256}.webp"
    made = signature(name, {"w": "300", "h": "77", "fit": "cover"}, _KEY)
    asked = _parse(name, f"fit=cover&h=77&w=300&s={made}", key=_KEY)
    assert asked == _asked("webp", 300, 77, "cover")


@pytest.mark.parametrize(
    ("query", "key"),
    [
        ("w=301&s={s}", _KEY),
        ("w=300&h=64&s={s}", _KEY),
        ("w=300&s={s}x", _KEY),
        ("w=300&s=", _KEY),
        ("w=300&s=\u00e9", _KEY),
        ("w=300&s={s}", b"another key of more than 32 bytes"),
        ("w=300&s={s}", None),
        ("s={s}", _KEY),
    ],
)
def test_a_signature_opens_nothing_else(query: str, key: bytes | None) -> None:
    made = signature(_SHA256, {"w": "300"}, _KEY)
    with pytest.raises(ProblemError) as error:
        _parse(_SHA256, query.format(s=made), key=key)
    assert error.value.problem.code == "invalid-signature"


def test_even_a_signed_side_has_a_limit() -> None:
    side = str(LARGEST_SIDE + 1)
    made = signature(_SHA256, {"w": side}, _KEY)
    with pytest.raises(ProblemError) as error:
        _parse(_SHA256, f"w={side}&s={made}", key=_KEY)
    assert error.value.problem.code == "invalid-parameter"


@given(
    st.sampled_from([None, *PRESET_SIDES]),
    st.sampled_from([None, *PRESET_SIDES]),
    st.sampled_from(["avif", "webp", "jpg", "png"]),
)
def test_every_recipe_names_a_place_in_the_store(
    width: int | None, height: int | None, suffix: str
) -> None:
    query = "&".join(f"{name}={side}" for name, side in (("w", width), ("h", height)) if side)
    asked = _parse(f"{_SHA256}.{suffix}", query)
    assert asked.media_format is not None
    path = path_of(f"{_SHA256}/{asked.recipe(asked.media_format)}")
    assert path.startswith(f"derived/01/{_SHA256}/v1-{width or 0}x{height or 0}-")


@given(st.text(), st.lists(st.tuples(st.text(max_size=5), st.text(max_size=20)), max_size=5))
def test_nothing_breaks_the_parser(name: str, query: list[tuple[str, str]]) -> None:
    statuses = {_status(each, query) for each in (name, _SHA256)}
    assert statuses <= {200, 400, 403, 404}


def _status(name: str, query: list[tuple[str, str]]) -> int:
    try:
        parse_asked(name, query, url_key=_KEY)
    except ProblemError as refusal:
        return refusal.problem.kind.status
    return 200
