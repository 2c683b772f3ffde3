"""What `--help` shows, in a terminal of 80 columns."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from gateway.cli import app
from gateway.cli.tidy import Verbs, unwrap

_ROOT = get_command(app)
assert isinstance(_ROOT, Verbs)
VERBS = sorted(_ROOT.commands)


def _help(*words: str) -> str:
    result = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "80", "NO_COLOR": "1"})
    assert result.exit_code == 0
    return result.stdout


@pytest.mark.parametrize("words", [[], *([verb] for verb in VERBS)], ids=str)
def test_help_is_free_of_typers_noise(words: list[str]) -> None:
    told = _help(*words)
    assert not re.search(r"<bool>|list\[|\{", told)


@pytest.mark.parametrize("verb", VERBS)
def test_a_line_of_help_ends_where_the_terminal_does(verb: str) -> None:
    """Not where the line of our source did: a word that had room stands on the line before."""
    prose = _help(verb).partition("╭")[0].splitlines()
    lines = [line.strip() for line in prose]
    for line, behind in pairwise(lines):
        if line and behind:
            assert len(line) + len(behind.split()[0]) + 1 > 78, line


def test_serve_tells_its_defaults() -> None:
    defaults = re.findall(r"\[default: \((.*?)\)\]", _help("serve"))
    assert defaults == [
        "routes.yaml",
        "127.0.0.1",
        "8000",
        "127.0.0.1",
        "9000",
        "2",
        "-",
        "0",
        "30",
    ]


def test_paragraphs_stay_apart() -> None:
    assert unwrap("One\n    two.\n\n    Three\n    four.\n    ") == "One two.\n\nThree four. "
