"""What a report shows of very many problems."""

from __future__ import annotations

import pytest

from gateway.config import load
from gateway.config.report import MAX_PROBLEMS
from gateway.errors import ConfigError


def test_a_file_with_thousands_of_problems_shows_the_first_and_counts_the_others() -> None:
    """A hostile file of a megabyte must not become a log of many."""
    text = "version: 1\n" + "".join(f"key{number}: 1\n" for number in range(MAX_PROBLEMS + 50))
    with pytest.raises(ConfigError) as caught:
        load(text.encode())
    problems = caught.value.problems
    assert len(problems) == MAX_PROBLEMS + 1
    assert problems[-1].message == "52 more problems not shown"
    assert [p.line for p in problems[:-1]] == sorted(p.line or 0 for p in problems[:-1])
