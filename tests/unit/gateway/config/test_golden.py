"""Each rule of routes.yaml: a file that breaks it, and exactly what the operator is told.

A case is `golden/NAME.yaml`, the file, and `golden/NAME.txt`, what is said of it. Files that no
editor would show well have no NAME.yaml: they are made here. To take over new messages:
``python -m tests.unit.gateway.config.test_golden``, and read what has changed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from gateway.config import review
from gateway.config.wording import Refusal
from gateway.errors import ConfigError, Problem

GOLDEN = Path(__file__).parent / "golden"
ENVIRONMENT = {
    "PORT": "8001",
    "EMPTY": "",
    "WITH_PASSWORD": "ftp://user:secret@host",
    "NOT_A_URL": "${PORT}",
}

HEAD = 'version: 1\nbackends:\n  legacy: {url: "http://127.0.0.1:8001"}\n'
ROUTE = "  - {{name: r{0}, match: {{path: /r{0}}}, backend: legacy}}\n"
BOMB = ["a: &a [x, x, x, x, x, x, x, x, x]"] + [
    f"{here}: &{here} [{', '.join(['*' + before] * 3)}]"
    for before, here in zip("abc", "bcd", strict=True)
]


def with_routes(count: int) -> bytes:
    """A file with that many good routes, though without a catch-all."""
    return (HEAD + "routes:\n" + "".join(map(ROUTE.format, range(count)))).encode()


def certificates(name: str) -> str:
    """Files of any name, by their number of bytes; the others are not there."""
    if not name.isdigit():
        raise Refusal(f'cannot read "{name}": No such file or directory', "looked for in /etc")
    return "x" * int(name)


def with_patterns(count: int) -> bytes:
    """A file with that many patterns, each of which is fine by itself."""
    lines = [
        f"  - {{name: r{n}, match: {{path_regex: '/r{n}/[0-9a-f]{{64}}/x'}}, backend: legacy}}\n"
        for n in range(count)
    ]
    rest = "  - {name: all, match: {path_prefix: /}, backend: legacy}\n"
    return (HEAD + "routes:\n" + "".join(lines) + rest).encode()


GENERATED: dict[str, Callable[[], bytes]] = {
    "generated_not_utf8": lambda: HEAD.encode() + b"routes: # Jos\xe9\n",
    "generated_nul": lambda: HEAD.encode() + b"routes: \0\n",
    "generated_line_separator": lambda: HEAD.encode() + "# one\u2028two\n".encode(),
    "generated_escape_in_value": lambda: HEAD.encode() + b"routes: \x1b[31m\n",
    "generated_ten_megabytes": lambda: b"#" * 10_000_000,
    "generated_deep_nesting": lambda: b"version: " + b"[" * 500_000,
    "generated_too_many_nodes": lambda: b"version: [" + b"1," * 200_000 + b"]",
    "generated_too_many_routes": lambda: with_routes(5_001),
    "generated_patterns_too_large_together": lambda: with_patterns(400),
    "generated_more_problems_than_are_shown": (
        HEAD + "routes:\n" + "  - {name: X, match: {path_prefix: /}, backend: legacy}\n" * 250
    ).encode,
    "generated_alias_bomb": lambda: "\n".join(BOMB).encode(),
}


CASES = sorted({path.stem for path in GOLDEN.iterdir()})


def said(case: str) -> str:
    """Every error and warning of a case, a line for each."""
    source = GENERATED[case]() if case in GENERATED else (GOLDEN / f"{case}.yaml").read_bytes()
    try:
        found: Sequence[Problem] = review(source, ENVIRONMENT, certificates).warnings
    except ConfigError as error:
        found = error.problems
    return "".join(f"{problem.describe('routes.yaml')}\n" for problem in found)


@pytest.mark.parametrize("case", CASES)
def test_a_bad_file_is_told_exactly_this(case: str) -> None:
    """Every problem is reported at once, in file order, at its place and in plain words."""
    assert said(case) == (GOLDEN / f"{case}.txt").read_text("utf-8")


@pytest.mark.parametrize("case", CASES)
def test_every_case_says_something(case: str) -> None:
    assert (GOLDEN / f"{case}.txt").read_text("utf-8").strip()


def test_every_generated_file_has_a_case() -> None:
    assert set(GENERATED) <= set(CASES)


if __name__ == "__main__":
    for each in CASES:
        (GOLDEN / f"{each}.txt").write_text(said(each), "utf-8")
