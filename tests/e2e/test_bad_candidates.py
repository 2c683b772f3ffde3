"""The candidate cannot hurt the customer: a table of what it may do, over real processes.

One gateway puts every request to a candidate that behaves badly, in a way for each route; another
has the same routes and no parallel run. What customers get of the two is the same, byte for byte.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from bench.bad_candidate import BY_NAME, DEAD, WAYS, Backend, Way, backends
from tests.support.figueira import Figueira, serving
from tests.support.polling import eventually
from tests.support.processes import PATIENCE_S, free_port

pytestmark = pytest.mark.e2e

KINDS = ("plain", "chunks", "hints", "plain")
"""How the control frames its answers, one request after the other."""
_MOST_S = 60.0
"""For trials to end: comparisons that are cut after some seconds wait for each other."""


@dataclass(frozen=True, slots=True)
class Shop:
    """Two gateways before the same backends."""

    tried: Figueira
    plain: Figueira
    candidate: Backend

    def sheet(self, way: str) -> dict[str, Any]:
        """A run's balance sheet, which sums at any moment."""
        runs: list[dict[str, Any]] = self.tried.status()["parallel_runs"]
        found = next(run for run in runs if run["name"] == way)
        assert sum(found["classes"].values()) + found["pending"] == found["eligible"]
        return found

    def ended(self, way: str, requests: int) -> dict[str, int]:
        """The classes, once that many requests have ended."""

        def look() -> dict[str, int] | None:
            found = self.sheet(way)
            is_over = found["eligible"] >= requests and not found["pending"]
            return {k: v for k, v in found["classes"].items() if v} if is_over else None

        return eventually(look, f"all trials of {way} end", patience_s=_MOST_S)


def _routes(legacy: str, candidate: str, *, tried: bool) -> str:
    routes, runs = [], []
    for way in WAYS:
        run = f", parallel_run: {way.name}" if tried else ""
        routes.append(
            f"  - {{name: {way.name}, match: {{path_prefix: /{way.name}}}, backend: legacy{run}}}"
        )
        other = "dead" if way.name == DEAD else "candidate"
        runs.append(
            f"  {way.name}: {{control: legacy, candidate: {other}, "
            "normalise: [{json: $.at, to: timestamp}, {json: $.url, to: url_host},"
            " {json: $.name, to: timestamp}, {json: $.digits, to: uuid}]}"
        )
    return "\n".join(
        [
            "version: 1",
            "backends:",
            f"  legacy: {{url: {legacy}}}",
            f"  candidate: {{url: {candidate}, timeouts: {{first_byte: 3s, idle: 3s}}}}",
            f"  dead: {{url: http://127.0.0.1:{free_port()}}}",
            "routes:",
            *routes,
            "  - {name: all, match: {path_prefix: /}, backend: legacy}",
            *(["parallel_runs:", *runs] if tried else []),
            "",
        ]
    )


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Both gateways, for the whole table."""
    with ExitStack() as stack:
        control, candidate = stack.enter_context(backends())
        tried, plain = (
            stack.enter_context(
                serving(
                    tmp_path_factory.mktemp("gateway"),
                    _routes(control.url, candidate.url, tried=is_tried),
                )
            )
            for is_tried in (True, False)
        )
        yield Shop(tried, plain, candidate)


def talk(figueira: Figueira, way: str, kinds: tuple[str, ...] = KINDS) -> bytes:
    """All that a customer hears who asks over one connection, the last request closing it."""
    with socket.create_connection(("127.0.0.1", figueira.port), PATIENCE_S) as customer:
        for number, kind in enumerate(kinds):
            end = b"Connection: close\r\n" if number == len(kinds) - 1 else b""
            target = f"/{way}/{kind}/{number}".encode()
            customer.sendall(b"GET %b HTTP/1.1\r\nHost: shop.example\r\n%b\r\n" % (target, end))
        heard = b""
        while data := customer.recv(1 << 20):
            heard += data
        return heard


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_customers_hear_the_same_byte_for_byte(shop: Shop, way: Way) -> None:
    """While trials are under way and afterwards; each request ends in the one class."""
    expected = talk(shop.plain, way.name)
    assert expected.count(b"200 Tudo Bem") == len(KINDS)
    assert b"x-Odd-CASE: caf\xe9\r\nSet-Cookie: a=1; Path=/\r\nSET-cookie: b=2\r\n" in expected
    for _ in range(2):
        assert talk(shop.tried, way.name) == expected
    # Others are answered while these are still under way.
    assert talk(shop.tried, "nobody-tries-this") == talk(shop.plain, "nobody-tries-this")
    requests = 2 * len(KINDS)
    if way.became:
        assert shop.ended(way.name, requests) == {way.became: requests}
    else:
        eventually(lambda: shop.sheet(way.name)["pending"] == requests, "they are under way")
    assert talk(shop.tried, way.name) == expected


def test_a_redirect_is_never_followed_and_no_cookie_is_ever_sent_back(shop: Shop) -> None:
    """Each trial is one request, and nothing that a candidate says comes to it with the next."""
    for way in ("redirects", "sets-cookies"):
        before = len(_heads(shop, way))
        tried = shop.sheet(way)["eligible"]
        talk(shop.tried, way)
        shop.ended(way, tried + len(KINDS))
        heads = _heads(shop, way)
        assert len(heads) == before + len(KINDS)
        assert not [head for head in heads if b"\r\ncookie:" in head.lower()]


def _heads(shop: Shop, way: str) -> list[bytes]:
    return [head for head in shop.candidate.heads if head.startswith(f"GET /{way}/".encode())]


def test_no_process_of_the_gateway_had_to_be_replaced(shop: Shop) -> None:
    """After all of that, workers and control are those that were started."""
    assert set(BY_NAME) == {run["name"] for run in shop.tried.status()["parallel_runs"]}
    assert shop.tried.events("process_died") == []
    assert shop.tried.events("process_hangs") == []
