"""What people see of `make up`."""

from __future__ import annotations

import os
import shlex
import sys

import pytest

from tools.up.banner import banner
from tools.up.parts import Ports
from tools.up.screen import Screen, printable, wants_colour


@pytest.mark.parametrize(
    ("environ", "is_terminal", "expected"),
    [
        ({"TERM": "xterm"}, True, True),
        ({}, True, True),
        ({"TERM": "xterm"}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),  # empty counts as unset: no-color.org
        ({"TERM": "dumb"}, True, False),
    ],
)
def test_colour_is_for_terminals_whose_people_want_it(
    environ: dict[str, str], is_terminal: bool, expected: bool
) -> None:
    assert wants_colour(environ, is_terminal=is_terminal) is expected


def test_names_stand_in_one_column(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen(["monolith", "gateway"], is_coloured=False)
    screen.line("monolith", "one")
    screen.line("gateway", "two")
    assert capsys.readouterr().out == "monolith | one\ngateway  | two\n"


def test_each_name_has_its_own_colour_and_the_text_none(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen(["a", "b"], is_coloured=True)
    screen.line("a", "one")
    screen.line("b", "two")
    assert capsys.readouterr().out == "\033[33ma |\033[0m one\n\033[35mb |\033[0m two\n"


def test_a_log_line_cannot_command_the_terminal() -> None:
    """A stranger's words in a log: an escape sequence would be obeyed."""
    assert printable("GET /\033[2J\x9b1m\rça 🎨\tok") == "GET /�[2J�1m�ça 🎨\tok"


def test_the_banner_quotes_what_it_names_for_the_shell() -> None:
    ports = Ports(customers=1, admin=2, monolith=3, images=4)
    text = banner(ports, "my shop/routes.yaml", "my bin/figueira")
    assert "http://127.0.0.1:1\n" in text
    assert "http://127.0.0.1:2\n" in text
    assert "http://127.0.0.1:8003/changes\n" in text
    (flip,) = (line for line in text.splitlines() if " set images " in line)
    assert shlex.split(flip) == [
        "my bin/figueira",
        *("set", "images", "image_service=100"),
        *("--config", "my shop/routes.yaml", "--admin", "http://127.0.0.1:2"),
    ]


def test_the_banner_is_short_where_nothing_is_unusual() -> None:
    ports = Ports(customers=8000, admin=9000, monolith=8001, images=8002)
    text = banner(ports, "routes.yaml", ".venv/bin/figueira")
    assert "\n   .venv/bin/figueira set images image_service=100\n" in text
    assert "To take it back: .venv/bin/figueira undo\n" in text


def test_a_reader_who_leaves_while_there_is_nothing_to_say_is_missed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read_end, write_end = os.pipe()
    with os.fdopen(write_end, "w") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        screen = Screen(["a"], is_coloured=False)
        screen.look()
        assert not screen.is_gone
        os.close(read_end)
        screen.look()
        assert screen.is_gone
