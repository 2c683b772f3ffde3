"""What the words of a prompt ask for."""

from __future__ import annotations

import pytest

from image_service.painting.chance import Chance
from image_service.painting.theme import Theme, read_theme


def _theme(prompt: str) -> Theme:
    return read_theme(prompt, Chance(prompt))


@pytest.mark.parametrize(
    ("prompt", "scene"),
    [
        ("uma praia deserta", "sea"),
        ("A BEACH", "sea"),
        ("serra da mantiqueira", "mountain"),
        ("mountains", "mountain"),
        ("floresta amazônica", "forest"),
        ("a walk in the woods", "forest"),
        ("cidade grande", "city"),
        ("city lights", "city"),
        ("Deserto do Saara", "desert"),
        ("sand dunes", "desert"),
        ("neve", "snow"),
        ("winter", "snow"),
        ("campo de lavanda", "field"),
        ("a wheat field", "field"),
        ("o lago", "lake"),
        ("river", "lake"),
    ],
)
def test_a_word_chooses_the_scene_in_portuguese_and_english(prompt: str, scene: str) -> None:
    assert _theme(prompt).scene == scene


@pytest.mark.parametrize(
    ("prompt", "hour"),
    [
        ("praia ao pôr do sol", "sunset"),
        ("sunset", "sunset"),
        ("noite estrelada", "night"),
        ("beach at night", "night"),
        ("amanhecer", "dawn"),
        ("morning", "dawn"),
        ("dia de verão", "day"),
        ("at dusk", "dusk"),
    ],
)
def test_a_word_chooses_the_hour(prompt: str, hour: str) -> None:
    assert _theme(prompt).hour == hour


def test_the_word_that_stands_first_wins() -> None:
    assert _theme("montanha e praia").scene == "mountain"
    assert _theme("praia e montanha").scene == "sea"


def test_a_short_word_is_met_only_whole() -> None:
    """Brown is no sea, and dear is no car."""
    assert _theme("marrom, neve").scene == "snow"
    assert _theme("caro campo").scene == "field"


def test_a_colour_tints_the_picture() -> None:
    assert _theme("caneca azul").tint == (60, 130, 210)
    assert _theme("caneca").tint is None


def test_a_prompt_without_a_known_word_leaves_it_to_chance() -> None:
    assert len({_theme(f"objeto {number}").scene for number in range(60)}) > 4
