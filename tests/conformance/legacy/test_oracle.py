"""The monolith beside a Flask program: whatever is asked, both answer alike, byte for byte.

The Flask program first proves itself against the recording. What is asked then is made up: targets,
methods, headers and bodies in all the ways that HTTP/1.1 allows, a few requests in a row on shops
that are empty at the beginning. Both run as real processes and are asked over raw sockets.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conformance.legacy.asked import REQUESTS, request
from tests.conformance.legacy.process import exchange, running
from tests.conformance.legacy.test_golden import ROWS, Row, parse
from tests.support.processes import environment
from tests.support.processes import running as process_running

pytestmark = pytest.mark.e2e
ROOT = Path(__file__).parents[3]


@contextmanager
def flask(folder: Path) -> Iterator[int]:
    """Run the Flask program; give its port."""
    command = [sys.executable, "-m", "tests.conformance.legacy.flask_shop", str(folder)]
    with process_running(command, folder=ROOT, environ=environment()) as process:
        started = process.wait_for_line(r"flask_shop: listening on http://127\.0\.0\.1:(\d+)")
        yield int(started[1])


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """The Flask program's answers to the recording of its own versions, by row id."""
    with flask(tmp_path_factory.mktemp("flask")) as port:
        return {
            row.id: parse(exchange(port, row.request)) for row in ROWS if row.profile == "flask31"
        }


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row.profile == "flask31"], ids=lambda row: row.id
)
def test_the_flask_program_is_the_recorded_one(row: Row, replayed: Mapping[str, object]) -> None:
    assert replayed[row.id] == row.answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """The ports of both."""

    monolith: int
    flask: int

    def both(self, request: bytes) -> tuple[object, object]:
        """Ask both the same."""
        return parse(exchange(self.monolith, request)), parse(exchange(self.flask, request))

    def empty(self) -> None:
        """Delete every product: ids begin at 1 again."""
        for port in (self.monolith, self.flask):
            listed = json.loads(parse(exchange(port, request("GET", "/products"))).body)
            for product in listed:
                exchange(port, request("DELETE", f"/products/{product['id']}"))


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Both programs, running."""
    folder = tmp_path_factory.mktemp("pair")
    with running(folder) as monolith, flask(folder) as port:
        yield Pair(monolith=monolith.port, flask=port)


CREATE = request("POST", "/products", ["application/json"], b'{"name": "Caneca", "price": 1}')


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(asked=st.lists(REQUESTS, min_size=1, max_size=5))
def test_whatever_is_asked_both_answer_alike(pair: Pair, asked: list[bytes]) -> None:
    pair.empty()
    for each in (CREATE, *asked, request("GET", "/products")):
        monolith, program = pair.both(each)
        assert monolith == program, each
