"""Each rule of routes.yaml: a file that breaks it, and exactly what the operator is told.

A case is `golden/NAME.yaml`: the file, a line of dashes, the messages. Files that no editor would
show well are made here; their case holds `@generated` in place of the file.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.config import load
from gateway.config.wording import Refusal
from gateway.errors import ConfigError

GOLDEN = Path(__file__).parent / "golden"
DASHES = "-" * 40
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


GENERATED: dict[str, Callable[[], bytes]] = {
    "generated_not_utf8": lambda: HEAD.encode() + b"routes: # Jos\xe9\n",
    "generated_nul": lambda: HEAD.encode() + b"routes: \0\n",
    "generated_line_separator": lambda: HEAD.encode() + "# one\u2028two\n".encode(),
    "generated_escape_in_value": lambda: HEAD.encode() + b"routes: \x1b[31m\n",
    "generated_ten_megabytes": lambda: b"#" * 10_000_000,
    "generated_deep_nesting": lambda: b"version: " + b"[" * 500_000,
    "generated_too_many_nodes": lambda: b"version: [" + b"1," * 200_000 + b"]",
    "generated_too_many_routes": lambda: with_routes(5_001),
    "generated_alias_bomb": lambda: "\n".join(BOMB).encode(),
}


@pytest.mark.parametrize("case", sorted(path.stem for path in GOLDEN.glob("*.yaml")))
def test_a_bad_file_is_told_exactly_this(case: str) -> None:
    """Every problem is reported at once, in file order, at its place and in plain words."""
    text = (GOLDEN / f"{case}.yaml").read_text("utf-8")
    written, messages = text.split(f"{DASHES}\n")
    source = GENERATED[case]() if written == "@generated\n" else written.encode()
    with pytest.raises(ConfigError) as caught:
        load(source, ENVIRONMENT, certificates)
    assert str(caught.value) == messages.rstrip("\n")
