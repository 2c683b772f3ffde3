"""What a flip will do is told beforehand, and is then what it does."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.cli.answer import answer
from gateway.cli.question import Question, understand
from gateway.config import load
from tests.e2e.conftest import Backends, Start
from tests.support.figueira import Figueira, run
from tests.support.polling import eventually

pytestmark = pytest.mark.e2e

SECRET = "hush-hush"  # noqa: S105 - a customer's, to be looked for
MATCHED = """
version: 1
trust: {proxies: [127.0.0.0/8]}
access_log: {sensitive_headers: [X-Plan]}
backends:
  legacy: {url: "${LEGACY_URL}"}
  image_service: {url: "${IMAGE_SERVICE_URL}"}
routes:
  - {name: beta, match: {path_prefix: /products, headers: {X-Beta: "on"}}, backend: image_service}
  - {name: gold, match: {path_prefix: /products, headers: {X-Plan: gold}}, backend: image_service}
  - {name: page, match: {path_prefix: /products, query: {v: "2"}}, backend: image_service}
  - name: images
    match: {path_prefix: /images}
    split: {image_service: 20, legacy: rest}   # FLIP
    sticky: [{header: X-Customer-Id}, {cookie: customer}, client_ip]
    owner:
      id: "/images/{id}"
      ranges: {legacy: 1..1000000000, image_service: 1000000001..}
      unknown: legacy
      lists: legacy
  - {name: drawn, match: {path_prefix: /drawn}, split: {image_service: 20, legacy: rest}}
  - {name: rest, match: {path_prefix: /}, backend: legacy}
"""
_LINES_FIELDS = ("route", "backend", "reason", "bucket")


def _requests(count: int) -> list[httpx.Request]:
    """Requests of many customers, told apart in every way there is; each with its own trace."""
    chance = random.Random(7)
    asked = []
    for number in range(count):
        customer = chance.randrange(40)
        headers = {
            "traceparent": f"00-{number + 1:032x}-00000000000000ab-01",
            "X-Forwarded-For": f"198.51.100.{customer}",
        }
        if customer % 3 == 0:
            headers["X-Customer-Id"] = f"{SECRET}-{customer}"
        elif customer % 3 == 1:
            headers["Cookie"] = f"theme=dark; customer={SECRET}{customer}"
        if number % 4 == 0:
            headers["X-Beta"] = chance.choice(["on", "off"])
            headers["X-Plan"] = chance.choice(["gold", f"{SECRET}-plan"])
        method, path = chance.choice(
            [
                ("DELETE", "/images/7"),
                ("GET", "/images/1000000007"),
                ("GET", "/images"),
                ("POST", "/images"),
                ("POST", "/images"),
                ("GET", "/products?v=2&page=1"),
                ("GET", "/products?v=3"),
                ("GET", "/drawn"),
            ]
        )
        asked.append(httpx.Request(method, f"http://shop.test{path}", headers=headers))
    return asked


def _send(figueira: Figueira, requests: list[httpx.Request]) -> dict[str, dict[str, Any]]:
    """Send them; the access line of each, by its trace."""
    before = figueira.answered()
    with httpx.Client(base_url=figueira.url, trust_env=False) as shop:
        for request in requests:
            shop.request(request.method, request.url.raw_path.decode(), headers=request.headers)
    eventually(lambda: figueira.answered() == before + len(requests), "all requests counted")
    return _lines(figueira, len(requests))


def _lines(figueira: Figueira, count: int) -> dict[str, dict[str, Any]]:
    """The last lines of so many requests."""

    def look() -> list[dict[str, Any]]:
        lines = [line for line in figueira.access_lines() if line.get("trace_id")]
        return lines if len(lines) % count == 0 else []

    return {line["trace_id"]: line for line in eventually(look, "all lines written")[-count:]}


def _diff(figueira: Figueira, new: Path, *options: str, **settings: str) -> Any:
    """Run the verb against the running gateway."""
    return run(
        "diff",
        str(new),
        "--traffic",
        str(figueira.access_log),
        "--admin",
        str(figueira.admin.base_url),
        *options,
        folder=new.parent,
        **settings,
    )


def test_promise_5_a_flip_moves_exactly_the_requests_that_diff_said(
    start: Start, backends: Backends, tmp_path: Path
) -> None:
    """The same requests are sent again behind the flip: each goes where the replay put it."""
    requests = _requests(300)
    with start(MATCHED) as figueira:
        before = _send(figueira, requests)
        changed = figueira.routes.flipped(60).replace('query: {v: "2"}', 'query: {v: "3"}')
        new = tmp_path / "new.yaml"
        new.write_text(changed)
        settings = {
            **backends.settings,
            "FIGUEIRA_DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path}/state/figueira.db",
        }
        told = _diff(figueira, new, "--json", **settings)
        assert (told.returncode, told.stderr) == (1, "")
        impact = json.loads(told.stdout)
        figueira.change(type(figueira.routes).rename_over, changed)
        after = _send(figueira, requests)
        assert SECRET not in figueira.access_log.read_text()

    drawn = [trace for trace, line in before.items() if line["route"] == "drawn"]
    moved = Counter(
        (line["route"], line["backend"], after[trace]["backend"], after[trace]["route"])
        for trace, line in before.items()
        if line["backend"] != after[trace]["backend"] and trace not in drawn
    )
    said = {
        (each["route"], each["source"], each["target"], each["new_route"]): each["requests"]
        for each in impact["moves"]
    }
    assert said == moved
    assert {key[0] for key in said} == {"images", "page", "rest"}
    assert impact["requests"] == len(requests)
    assert impact["undecidable"] == []
    assert impact["existing_moved"] == 0
    assert impact["is_token_key_known"]


def test_explain_says_what_a_running_gateway_does(start: Start, backends: Backends) -> None:
    """Route, backend, reason and bucket of its access lines, request by request."""
    requests = _requests(120)
    with start(MATCHED) as figueira:
        lines = _send(figueira, requests)
        snapshot = load(MATCHED.encode(), backends.settings)
    for request in requests:
        line = lines[request.headers["traceparent"].split("-")[1]]
        headers = tuple(f"{name}: {value}" for name, value in request.headers.items())
        draw = (line["bucket"] + 0.5) / 100_000 if line["reason"] == "draw" else None
        question = Question(
            method=request.method,
            target=request.url.raw_path.decode(),
            headers=headers,
            client_ip="127.0.0.1",
            draw=draw,
        )
        said = answer(understand(question, snapshot), draw)
        told = (said.route, said.backend, said.reason, said.bucket)
        assert told == tuple(line.get(field) for field in _LINES_FIELDS)


@pytest.mark.parametrize("access_log", ["access.log", "off"])
def test_customers_on_both_sides_give_a_rotating_cookie_away(start: Start, access_log: str) -> None:
    """Each session stays on its side; the customer behind twenty of them does not."""
    text = """
version: 1
trust: {proxies: [127.0.0.0/8]}
backends:
  legacy: {url: "${LEGACY_URL}"}
  image_service: {url: "${IMAGE_SERVICE_URL}"}
routes:
  - name: shop
    match: {path_prefix: /shop}
    split: {image_service: 50, legacy: rest}   # FLIP
    sticky: [{cookie: session}]
  - {name: rest, match: {path_prefix: /}, backend: legacy}
"""
    with start(text, FIGUEIRA_ACCESS_LOG=access_log) as figueira:
        with httpx.Client(base_url=figueira.url, trust_env=False) as shop:
            for turn in range(20):
                for _ in range(2):
                    shop.get(
                        "/shop",
                        headers={
                            "Cookie": f"session={turn}",
                            "X-Forwarded-For": "198.51.100.1",
                            "Connection": "close",
                        },
                    )
            shop.get("/shop", headers={"Cookie": "session=1", "X-Forwarded-For": "198.51.100.2"})

        def counted() -> bool:
            samples = figueira.samples()
            by = [
                [samples.get(f'figueira_customers_{what}{{by="{by}",route="shop"}}') for by in _BY]
                for what in ("seen", "on_both_sides")
            ]
            return by == [[20, 2], [0, 1]]

        eventually(counted, "the customers")
        figueira.flip(60)
        eventually(lambda: not figueira.total("figueira_customers_seen"), "a new count")


_BY = ("cookie:session", "client_ip")


def _weight(figueira: Figueira) -> float:
    return float(figueira.status()["routes"][3]["backends"]["image_service"])


def test_safety_refuses_what_moves_too_much_and_takes_what_is_small_forced_or_a_way_back(
    start: Start, backends: Backends, tmp_path: Path
) -> None:
    """A large step is refused with its numbers and the gateway serves on."""
    text = MATCHED.replace("access_log:", "safety: {max_moved: 10%}\naccess_log:")
    with start(text) as figueira:
        with httpx.Client(base_url=figueira.url, trust_env=False) as shop:
            for number in range(200):
                shop.delete("/images", headers={"X-Customer-Id": str(number)})
                shop.post("/images", headers={"X-Customer-Id": str(number)}, content=b"{")
        eventually(lambda: figueira.answered() == 400, "all requests counted")
        good, large = figueira.routes.text, figueira.routes.flipped(80)
        figueira.routes.rename_over(large)
        (problem,) = figueira.wait_for_problems()
        assert problem["path"] == "safety.max_moved"
        assert "images legacy -> image_service" in problem["message"]
        assert "more than 10%" in problem["message"]
        assert figueira.status()["routes"][3]["backends"]["image_service"] == 20
        eventually(lambda: figueira.events("revision_refused"), "a line in the log")
        figueira.routes.rename_over(good)
        figueira.wait_for_good_file()
        figueira.flip(21)
        assert _weight(figueira) == 21
        settings = {**backends.settings, "FIGUEIRA_CONFIG": str(figueira.routes.path)}
        admin = ("--admin", str(figueira.admin.base_url))

        def verb(*words: str) -> tuple[int, float]:
            done = run(*words, *admin, folder=tmp_path, **settings)
            return done.returncode, _weight(figueira)

        assert verb("set", "images", "image_service=80") == (1, 21)
        assert verb("set", "images", "image_service=80", "--force") == (0, 80)
        assert verb("undo") == (0, 21), "the way back is open"
        figueira.routes.rename_over(large)
        figueira.wait_for_problems()
        assert verb("reload") == (1, 21)
        assert verb("reload", "--force") == (0, 80)
    assert (tmp_path / "state" / "token.key").stat().st_mode & 0o777 == 0o600
