"""One spelling for each path; what is refused is in the golden files."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config import paths
from gateway.config.wording import Refusal


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/images",
        "/images/",
        "/a/b.png",
        "/.well-known/x",
        "/a:b@c",
        "/a!$&'()*+,=~_-",
        "/%C3%A9%20%25",
    ],
)
def test_a_canonical_path_is_kept(path: str) -> None:
    assert paths.exact(path) == path


@pytest.mark.parametrize("path", ["/", "/images", "/images/jobs", "/%C3%A9"])
def test_a_prefix_is_kept(path: str) -> None:
    assert paths.prefix(path) == path


def hinted(path: str) -> str | None:
    """The path that a refusal tells to write, or None if it names none."""
    try:
        return paths.exact(path)
    except Refusal as refusal:
        found = re.fullmatch(r'write "(/.*)"', refusal.hint)
        return found[1] if found else None


@given(st.text(alphabet="/ab \u00e9<>\u0133|^{}", max_size=12))
def test_the_spelling_that_a_refusal_tells_is_accepted(path: str) -> None:
    """An operator who follows the hints arrives."""
    for _ in range(3):
        told = hinted(path)
        if told is None or told == path:
            break
        path = told
    assert hinted(path) in {path, None}


def test_a_pattern_is_its_collection() -> None:
    assert paths.collection("/v1/images/{id}") == "/v1/images"


@pytest.mark.parametrize(
    ("path", "outer", "inside"),
    [
        ("/images", "/images", True),
        ("/images/7", "/images", True),
        ("/imagesX", "/images", False),
        ("/", "/images", False),
        ("/images", "/", True),
    ],
)
def test_a_prefix_means_whole_segments(path: str, outer: str, *, inside: bool) -> None:
    assert paths.is_inside(path, outer) == inside
