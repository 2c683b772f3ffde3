"""Patterns are linear, whole, and refused where they cannot be."""

from __future__ import annotations

import pytest

from gateway.routing.pattern import PatternError, Patterns, first_bytes, program_size


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("/images/[0-9]+", b"/images/7", True),
        ("/images/[0-9]+", b"/images/7/x", False),
        ("/images/[0-9]+", b"/x/images/7", False),
        ("/a|/b", b"/b", True),
        ("/a|/b", b"/a/b", False),
        ("^/a$", b"/a", True),
        ("(?i)/A", b"/a", True),
        ("/caf%C3%A9/.*", b"/caf%C3%A9/", True),
        (".*", b"/", True),
    ],
)
def test_a_pattern_takes_the_whole_path(pattern: str, path: bytes, matches: bool) -> None:
    assert Patterns([pattern]).matching(path) == ([0] if matches else [])


def test_every_pattern_that_matches_is_told_in_order() -> None:
    patterns = Patterns(["/b.*", "/a.*", "/[a-z]+", ".*"])
    assert patterns.matching(b"/abc") == [1, 2, 3]
    assert patterns.matching(b"/1") == [3]


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|a)*b", "(.*)*x", "(a|aa)+$"])
def test_what_explodes_elsewhere_takes_one_step_for_each_byte_here(pattern: str) -> None:
    """Backtracking engines would not end before the sun does."""
    assert Patterns([pattern]).matching(b"a" * 16_000) in ([], [0])


@pytest.mark.parametrize(
    "pattern", ["(", "[", "a**", "(?=a)", "(?<!a)b", r"(a)\1", "(a{1000}){1000}", r"\Z", "(?>a)"]
)
def test_what_needs_more_than_one_pass_is_refused(pattern: str) -> None:
    with pytest.raises(PatternError):
        program_size(pattern)
    with pytest.raises(PatternError):
        Patterns(["/good", pattern])


def test_patterns_that_are_too_large_together_are_refused_and_not_passed_over() -> None:
    """RE2 finds nothing where it lacks memory, without a word."""
    with pytest.raises(PatternError):
        Patterns([f"/x{n}.*[^/]{{1000}}" for n in range(3000)])


def test_a_pattern_tells_how_its_matches_begin() -> None:
    assert first_bytes("images/.*", 1) == (b"i", b"j")
    assert first_bytes("/images/.*", 1) == (b"/", b"0")
    assert first_bytes(".*", 1) is None
