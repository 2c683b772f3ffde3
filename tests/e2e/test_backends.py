"""A backend is down or too slow: its own routes suffer, and nothing else."""

from __future__ import annotations

import httpx
import pytest

from tests.e2e.conftest import Start
from tests.support.held_origin import held_origin
from tests.support.polling import eventually
from tests.support.processes import free_port

pytestmark = pytest.mark.e2e

ROUTES = """
version: 1
backends:
  down: {{url: "http://127.0.0.1:{port}"}}
  slow: {{url: "{slow}", timeouts: {{first_byte: 300ms}}}}
  legacy: {{url: "${{LEGACY_URL}}"}}
routes:
  - {{name: down, match: {{path_prefix: /down}}, backend: down}}
  - {{name: slow, match: {{path_prefix: /slow}}, backend: slow}}
  - {{name: rest, match: {{path_prefix: /}}, backend: legacy}}
"""
PROBLEM = "application/problem+json"


def test_promise_4_a_backend_that_fails_harms_only_its_own_routes(start: Start) -> None:
    """Down is 502, too slow is 504, both as problem details; others are served, all is ready."""
    with held_origin() as slow:
        text = ROUTES.format(port=free_port(), slow=slow.url)
        with start(text) as figueira, httpx.Client(base_url=figueira.url) as shop:
            down = shop.get("/down")
            assert _problem(down) == {
                "type": "about:blank",
                "title": "Bad Gateway",
                "status": 502,
                "detail": "The server behind this address gave no usable answer.",
            }
            assert _problem(shop.get("/slow")) == {
                "type": "about:blank",
                "title": "Gateway Timeout",
                "status": 504,
                "detail": "The server behind this address did not answer in time.",
            }
            assert shop.get("/products").status_code == 200
            assert figueira.ready() == 200
            assert figueira.stop() == 0
            lines = figueira.access_lines()
            assert lines[0]["trace_id"] == down.json()["trace_id"], "to find the line by"
            errors = [(line["route"], line.get("error")) for line in lines]
            assert errors == [
                ("down", "connect:refused:upstream"),
                ("slow", "read_head:timeout:upstream"),
                ("rest", None),
            ]


def _problem(answer: httpx.Response) -> object:
    assert answer.headers["content-type"] == PROBLEM
    assert answer.json()["status"] == answer.status_code
    return {key: value for key, value in answer.json().items() if key != "trace_id"}


def test_a_backend_that_comes_back_is_served_again_without_a_reload(start: Start) -> None:
    """Nothing remembers that it was away."""
    port = free_port()
    with held_origin() as slow:
        text = ROUTES.format(port=port, slow=slow.url)
        with start(text) as figueira, httpx.Client(base_url=figueira.url) as shop:
            assert shop.get("/down").status_code == 502
            with held_origin(port) as back:
                back.let_go()
                assert shop.get("/down").status_code == 200
            eventually(lambda: shop.get("/down").status_code == 502, "down again")
