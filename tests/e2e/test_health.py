"""Backends that fall ill behind a real gateway: customers, and what operators see."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import Start
from tests.support.ailing_origin import ILLNESSES, AilingOrigin, Illness, ailing_origin
from tests.support.figueira import Figueira
from tests.support.polling import eventually

pytestmark = pytest.mark.e2e

ROUTES = """
version: 1
backends:
  legacy:
    url: {legacy}
    fallback: {{on: [unavailable], to: candidate}}
  candidate:
    url: {candidate}
    timeouts: {{first_byte: 250ms}}
    health: {{path: /readyz, interval: 1s, timeout: 250ms, unhealthy_after: 2, healthy_after: 1}}
    breaker: {{failures: 50%, window: 5s, min_requests: 4, open: 1s}}
    soft_errors: [{{json: $.error, as: 503}}]
    fallback: {{on: [unavailable], to: legacy}}
routes:
  - name: images
    match: {{path_prefix: /images}}
    split: {{candidate: 50, legacy: rest}}
  - {{name: extras, match: {{path_prefix: /extras}}, backend: candidate}}
  - {{name: rest, match: {{path_prefix: /}}, backend: legacy}}
"""


@dataclass(frozen=True, slots=True)
class Shop:
    """A gateway and two sides."""

    figueira: Figueira
    customer: httpx.Client
    candidate: AilingOrigin
    legacy: AilingOrigin

    def backend(self, name: str = "candidate") -> dict[str, Any]:
        """What ``/api/status`` says of a backend."""
        backends = self.figueira.status()["backends"]
        return next(backend for backend in backends if backend["name"] == name)

    def is_out(self, name: str = "candidate") -> bool:
        """Whether all workers have it out of service."""
        return all(text.startswith("out") for text in self.backend(name)["service"])

    def is_in(self) -> bool:
        """Whether all workers have the candidate in service."""
        return list(self.backend()["service"]) == ["in"]

    def made_by(self, path: str = "/images/7") -> str:
        """Who answers a GET; it has to be a good answer."""
        answer = self.customer.get(path)
        assert answer.status_code == 200, answer.text
        made_by: str = answer.json()["made_by"]
        return made_by


@contextmanager
def _shop(start: Start) -> Iterator[Shop]:
    with ailing_origin("candidate") as candidate, ailing_origin("legacy") as legacy:
        text = ROUTES.format(candidate=candidate.url, legacy=legacy.url)
        with start(text) as figueira, httpx.Client(base_url=figueira.url, timeout=10) as customer:
            yield Shop(figueira, customer, candidate, legacy)


@pytest.mark.parametrize("illness", ILLNESSES)
def test_promise_4_an_ill_candidate_is_noticed_avoided_and_taken_back(
    start: Start, illness: Illness
) -> None:
    """No GET fails from the first moment on, and no creation once it is out of service."""
    with _shop(start) as shop:
        eventually(lambda: shop.made_by() == "candidate", "the candidate's share")
        shop.candidate.fall_ill(illness)
        for _ in range(20):
            assert shop.made_by() == "legacy"
        eventually(shop.is_out, "out of service")
        before = len(shop.candidate.creations())
        for number in range(20):
            answer = shop.customer.post(f"/images?{number}", content=b"a picture")
            assert answer.json() == {"made_by": "legacy"}
        assert len(shop.candidate.creations()) == before
        assert shop.made_by("/extras") == "legacy"
        _look_as_operators_do(shop)
        shop.candidate.recover()
        eventually(lambda: shop.made_by() == "candidate" and shop.is_in(), "back in service")
        back = shop.figueira.events("backend_in_service")
        assert back
        assert all(" INFO " in line for line in back)
        made = shop.candidate.creations() + shop.legacy.creations()
        assert len(made) == len(set(made))


def _look_as_operators_do(shop: Shop) -> None:
    """It is plain to see what is wrong, and the gateway itself is ready."""
    answer = shop.figueira.admin.get("/readyz?verbose")
    assert answer.status_code == 200
    (line,) = (line for line in answer.text.splitlines() if "backend:candidate" in line)
    assert line.startswith("[!]backend:candidate failed: out of service (")
    assert "new work of images goes elsewhere" in line
    assert "extras has nobody else for writes, and falls back to legacy for reads" in line
    assert "[+]backend:legacy ok" in answer.text
    assert shop.figueira.events("backend_out_of_service")
    moved = shop.figueira.total("figueira_moved_total")
    resent = shop.figueira.total("figueira_resends_total")
    assert moved > 0
    assert resent > 0
    reasons = {line["reason"] for line in shop.figueira.access_lines()}
    assert {"moved", "fallback"} <= reasons


def test_with_both_sides_down_everything_is_asked_as_ever_and_the_gateway_is_ready(
    start: Start,
) -> None:
    with _shop(start) as shop:
        shop.candidate.fall_ill("refuses")
        shop.legacy.fall_ill("refuses")

        def all_fail() -> bool:
            for _ in range(4):
                assert shop.customer.get("/images/7").status_code == 502
                assert shop.customer.post("/images", content=b"x").status_code == 502
            return shop.is_out() and shop.is_out("legacy")

        eventually(all_fail, "both out of service")
        assert shop.figueira.ready() == 200
        text = shop.figueira.admin.get("/readyz?verbose").text
        assert (
            "images, rest have nobody else for writes, and fall back to candidate for reads" in text
        )
        shop.legacy.recover()
        eventually(
            lambda: shop.customer.post("/images", content=b"x").status_code == 200, "the way back"
        )
        for _ in range(10):
            assert shop.made_by() == "legacy"


def test_a_candidate_that_flaps_costs_no_get_and_repeats_no_creation(start: Start) -> None:
    """A creation that fails has reached one side at most, and one that is acknowledged just one."""
    with _shop(start) as shop:
        acknowledged: set[str] = set()
        ends_s = time.monotonic() + 6
        number = 0
        while time.monotonic() < ends_s:
            illness = ILLNESSES[number // 12 % len(ILLNESSES)]
            if number % 12 == 0:
                shop.candidate.fall_ill(illness)
            elif number % 12 == 6:
                shop.candidate.recover()
            assert shop.made_by(f"/images/{number}") in {"candidate", "legacy"}
            answer = shop.customer.post(f"/images?{number}", content=b"a picture")
            if answer.status_code == 200 and "made_by" in answer.json():
                acknowledged.add(f"/images?{number}")
            number += 1
        made = shop.candidate.creations() + shop.legacy.creations()
        assert len(made) == len(set(made))
        assert acknowledged <= set(made)
        assert len(acknowledged) > number * 0.7


def test_probes_go_on_in_a_new_control_and_a_new_worker_knows_what_they_say(start: Start) -> None:
    with _shop(start) as shop:
        shop.candidate.fall_ill("fails")
        eventually(lambda: "out:probes" in shop.backend()["service"], "ill by probes")
        status = shop.figueira.status()
        shop.figueira.kill(status["workers"][0]["pid"])
        shop.figueira.wait_until_whole(without=[status["workers"][0]["pid"]])
        eventually(lambda: shop.backend()["service"] == {"out:probes": 2}, "told to the new one")
        shop.figueira.kill(status["control"]["pid"])
        shop.figueira.wait_until_whole(without=[status["control"]["pid"]])
        assert shop.backend()["service"] == {"out:probes": 2}
        shop.candidate.recover()
        eventually(shop.is_in, "well by the new control's probes")
        (address,) = shop.backend()["addresses"]
        assert (address["probe"], address["probe_detail"]) == ("well", "status 200")


def test_a_route_changed_to_probe_no_more_is_probed_no_more(start: Start) -> None:
    with _shop(start) as shop:
        shop.candidate.fall_ill("fails")
        eventually(lambda: "out:probes" in shop.backend()["service"], "ill by probes")
        text = "\n".join(
            line
            for line in shop.figueira.routes.path.read_text().splitlines()
            if "health:" not in line
        )
        shop.figueira.change(type(shop.figueira.routes).rename_over, text)
        eventually(shop.is_in, "nothing known")
        (address,) = shop.backend()["addresses"]
        assert (address["probe"], address["probe_since"]) == ("", None)
