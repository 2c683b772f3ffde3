"""Values are shown short and harmless."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.wording import SHOWN, Guess, Path, hint_of, path_text, plural, shorten


@given(st.text(max_size=200))
def test_a_shown_value_is_printable_and_bounded(text: str) -> None:
    """An escape takes at most ten characters for one."""
    assert shorten(text).isprintable()
    assert len(shorten(text)) <= 10 * SHOWN


def test_a_long_value_keeps_its_beginning() -> None:
    assert shorten("a" * 100) == "a" * 57 + "..."


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ((), ""),
        (("routes", 1, "split", "legacy"), "routes[1].split.legacy"),
        (("routes", 0, "match", "headers", "X A"), 'routes[0].match.headers["X A"]'),
        (("a\x1b[31m",), '["a\\x1b[31m"]'),
    ],
)
def test_paths_are_shown_as_they_would_be_looked_up(path: Path, shown: str) -> None:
    assert path_text(path) == shown


def test_guessing_gives_up_in_a_file_full_of_mistakes() -> None:
    guess = Guess(comparisons=3)
    assert guess.nearest("legcy", ["legacy", "image_service"]) == "legacy"
    assert guess.nearest("legcy", ["legacy", "image_service"]) is None


def test_a_hint_lists_the_known_words_only_if_they_are_few() -> None:
    assert Guess().hint("x", ["b", "a"], kind="keys") == "known keys: a, b"
    assert Guess().hint("x", [f"backend{i}" for i in range(9)], kind="backends") == ""
    assert Guess().hint("x", [], kind="backends") == ""


def test_counts_agree_with_their_noun() -> None:
    assert [plural(n, "route") for n in (0, 1, 5_001)] == ["0 routes", "1 route", "5,001 routes"]


def test_a_name_that_cannot_be_printed_is_escaped_among_those_that_are_known() -> None:
    """It is refused elsewhere, and may still be what another place could have meant."""
    assert hint_of(None, {"a\tb", "far"}, kind="backends") == "known backends: a\\tb, far"
