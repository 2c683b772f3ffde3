"""`figueira explain`: what it says, in which form, with which exit code; and that it is true."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from gateway.cli import app
from gateway.cli.answer import answer
from gateway.cli.question import Question, understand
from gateway.config import load
from gateway.proxy.access_log import AccessLog
from gateway.proxy.exchange import Exchange
from gateway.proxy.gateway import Gateway
from gateway.routing.decide import Reply
from gateway.wire.forwarded import Peer
from gateway.wire.request import read_request

ROUTES = """\
version: 1
trust: {proxies: [10.0.0.0/8], testers: [192.0.2.0/24]}
backends:
  legacy: {url: "http://127.0.0.1:1"}
  image_service: {url: "http://127.0.0.1:2"}
routes:
  - name: tests
    match: {path_prefix: /, headers: {X-Figueira-Test: "1"}}
    backend: image_service
  - name: secure
    match: {path: /login, headers: {X-Forwarded-Proto: https}, methods: [POST]}
    backend: image_service
  - name: images
    match: {path_prefix: /images}
    sticky: [{header: X-Customer-Id}, client_ip]
    owner:
      id: "/images/{id}"
      ranges: {legacy: 1..1000, image_service: 1001..}
      unknown: legacy
      lists: legacy
    split: {legacy: rest, image_service: 25}
  - name: drawn
    match: {path_prefix: /drawn}
    split: {legacy: rest, image_service: 12.5}
  - name: monolith
    match: {path_prefix: /}
    backend: legacy
"""
SNAPSHOT = load(ROUTES.encode())


@pytest.fixture
def run(tmp_path: Path) -> Any:
    """Runs the command on the routes above; exit code, standard output, standard error."""
    file = tmp_path / "routes.yaml"
    file.write_text(ROUTES, "utf-8")

    def run(*arguments: str) -> tuple[int, str, str]:
        result = CliRunner().invoke(app, ["explain", "--config", str(file), *arguments])
        return result.exit_code, result.stdout, result.stderr

    return run


def test_the_answer_stands_in_the_first_line_then_why_then_what_else_there_was(run: Any) -> None:
    code, out, err = run("GET", "/images/1002")
    assert (code, err) == (0, "")
    assert out == (
        """\
GET /images/1002 goes to image_service
  route    images
  because  id 1002 lies in its range 1001..; the split is for new resources

routes, in order of precedence:
  secure    path /login, methods POST, header x-forwarded-proto: https  no: path is '/images/1002'
  images    path_prefix /images                                         taken
  drawn     path_prefix /drawn                                          no: path is '/images/1002'
  tests     path_prefix /, header x-figueira-test: 1                    {absent}
  monolith  path_prefix /                                               would match, but comes later
""".replace("{absent}", "no: header x-figueira-test is absent")
    )


@pytest.mark.parametrize(
    ("arguments", "first", "because"),
    [
        (["GET", "/"], "GET / goes to legacy", "the route has one backend"),
        (
            ["DELETE", "/images/7"],
            "DELETE /images/7 goes to legacy",
            "id 7 lies in its range 1..1000; the split is for new resources",
        ),
        (
            ["GET", "/images/x%20y"],
            "GET /images/x%20y goes to legacy",
            "id 'x%20y' lies in no range (owner.unknown)",
        ),
        (
            ["GET", "/images?page=2"],
            "GET /images?page=2 goes to legacy",
            "it answers for the collection (owner.lists); the split is for new resources",
        ),
        (
            ["POST", "/images", "-H", "X-Customer-Id: 42"],
            "POST /images goes to image_service",
            "header:x-customer-id gives bucket 17401; its share is 0..24999 (25 %)",
        ),
        (
            ["POST", "/images", "--client-ip", "203.0.113.1"],
            "POST /images goes to legacy",
            "client_ip 203.0.113.1 gives bucket 96931; its share is 25000..99999 (75 %)",
        ),
        (
            ["POST", "/images", "--client-ip", "10.1.1.1", "-H", "X-Forwarded-For: 203.0.113.1"],
            "POST /images goes to legacy",
            "client_ip 203.0.113.1 gives bucket 96931; its share is 25000..99999 (75 %)",
        ),
        (
            ["GET", "/drawn"],
            "GET /drawn goes to image_service (12.5 %) or legacy (87.5 %)",
            "the route has no sticky: each such request is drawn anew",
        ),
        (
            ["GET", "/drawn", "--draw", "0.125"],
            "GET /drawn goes to legacy",
            "the draw gives bucket 12500; its share is 12500..99999 (87.5 %)",
        ),
        (
            ["GET", "http://shop.test/drawn", "--draw", "0"],
            "GET http://shop.test/drawn goes to image_service",
            "the draw gives bucket 0; its share is 0..12499 (12.5 %)",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_each_reason_is_said_in_words(
    run: Any, arguments: list[str], first: str, because: str
) -> None:
    code, out, err = run(*arguments)
    lines = out.splitlines()
    assert (code, err) == (0, "")
    assert lines[0] == first
    assert lines[2] == f"  because  {because}"


@pytest.mark.parametrize(
    ("arguments", "because"),
    [
        (
            ["GET", "/a/%2e%2e%2fimages"],
            "400 Bad Request: The path can be read in more than one way.",
        ),
        (["GET", "images"], "400 Bad Request: The request is not well-formed HTTP/1.1."),
        (["GET", "/two words"], "400 Bad Request: The request is not well-formed HTTP/1.1."),
        (["BREW", "/"], "501 Not Implemented: This method is not supported."),
        (["TRACE", "/"], "501 Not Implemented: This method is not supported."),
        (["GET", "/", "-H", "Host: a,b"], "400 Bad Request: Host is malformed."),
        (["GET", "/" + "a" * 17_000], "414 URI Too Long: The target is over 16384 bytes."),
    ],
    ids=lambda value: " ".join(value)[:30] if isinstance(value, list) else "",
)
def test_what_the_gateway_would_refuse_has_exit_code_1_and_its_answer(
    run: Any, arguments: list[str], because: str
) -> None:
    code, out, err = run(*arguments)
    assert (code, err) == (1, "")
    first, second = out.splitlines()
    assert first == f"{arguments[0]} {arguments[1]} is answered by the gateway itself"
    assert second == f"  because  {because}"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--client-ip", "home"], "--client-ip 'home' is no IP address"),
        (["--draw", "1"], "--draw 1 is out of range: give 0 up to, not including, 1"),
        (["--draw", "nan"], "--draw nan is out of range: give 0 up to, not including, 1"),
        (["-H", "X-Customer-Id"], "-H 'X-Customer-Id' is no header: write 'Name: value'"),
        (["-H", ": 42"], "-H ': 42' is no header: write 'Name: value'"),
        (["-H", "A: 1\r\nB: 2"], r"'A: 1\r\nB: 2' has a character that cannot be sent"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_understood_has_exit_code_2_and_one_line(
    run: Any, arguments: list[str], said: str
) -> None:
    assert run("GET", "/", *arguments) == (2, "", f"figueira: error: {said}\n")


def test_a_file_that_cannot_be_used_has_exit_code_1_and_its_problems(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["explain", "GET", "/", "--config", str(tmp_path / "none")])
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        f"{tmp_path}/none: error: cannot read the file: No such file or directory\n"
    )


def test_headers_of_strangers_are_ignored_and_that_is_said(run: Any) -> None:
    arguments = ("-H", "X-Figueira-Test: 1", "-H", "X-Forwarded-For: 1.1.1.1")
    code, out, _ = run("GET", "/", "--client-ip", "203.0.113.1", *arguments)
    assert code == 0
    assert out.splitlines()[:5] == [
        "GET / goes to legacy",
        "  route    monolith",
        "  because  the route has one backend",
        "  note     X-Forwarded-For is not read: 203.0.113.1 is not in trust.proxies",
        "  note     X-Figueira-Test is not read: 203.0.113.1 is not in trust.testers",
    ]
    code, out, _ = run("GET", "/", "--client-ip", "192.0.2.7", "-H", "X-Figueira-Test: 1")
    assert out.startswith("GET / goes to image_service\n")
    assert "note" not in out


def test_of_many_routes_only_those_near_are_shown(tmp_path: Path) -> None:
    """All of them are in the JSON."""
    lines = ROUTES.splitlines(keepends=True)
    others = [
        f"  - {{name: other{n}, match: {{path: /other/{n}}}, backend: legacy}}\n" for n in range(50)
    ]
    at = lines.index("  - name: monolith\n")
    file = tmp_path / "routes.yaml"
    file.write_text("".join([*lines[:at], *others, *lines[at:]]), "utf-8")
    command = ["explain", "GET", "/images/7", "--config", str(file)]
    out = CliRunner().invoke(app, command).stdout
    shown = out.partition("precedence:\n")[2].splitlines()
    assert [line.split()[0] for line in shown[:-1]] == ["images", "tests", "monolith"]
    assert shown[-1] == "  and 52 for other paths (--json lists all)"
    whole = json.loads(CliRunner().invoke(app, [*command, "--json"]).stdout)
    assert len(whole["considered"]) == 55


def test_json_says_the_same_to_programs(run: Any) -> None:
    code, out, _ = run("POST", "/images", "-H", "X-Customer-Id: 42", "--json")
    told = json.loads(out)
    assert code == 0
    considered = told.pop("considered")
    assert told == {
        "route": "images",
        "backend": "image_service",
        "reason": "sticky",
        "why": "header:x-customer-id gives bucket 17401; its share is 0..24999 (25 %)",
        "bucket": 17401,
        "client_ip": "127.0.0.1",
    }
    assert considered[1] == {"route": "images", "match": "path_prefix /images", "taken": True}
    assert considered[3] == {
        "route": "tests",
        "match": "path_prefix /, header x-figueira-test: 1",
        "taken": False,
        "unmet": {"condition": "header x-figueira-test", "wanted": "1", "got": None},
    }


def test_json_has_the_chances_of_a_draw_and_what_is_ignored(run: Any) -> None:
    told = json.loads(run("GET", "/drawn", "-H", "X-Figueira-Test: 1", "--json")[1])
    assert told["chances"] == {"image_service": 12.5, "legacy": 87.5}
    assert "backend" not in told
    assert told["ignored"] == ["X-Figueira-Test is not read: 127.0.0.1 is not in trust.testers"]


@pytest.mark.parametrize("target", ["images", "/a/%2e%2e%2fimages"])
def test_json_has_a_refusal_too(run: Any, target: str) -> None:
    code, out, _ = run("GET", target, "--json")
    told = json.loads(out)
    assert code == 1
    assert (told["status"], told["title"]) == (400, "Bad Request")
    assert told["detail"]


@pytest.mark.parametrize("variable", ["NO_COLOR", "FORCE_COLOR"])
def test_what_is_said_is_plain_text_wherever_it_goes(
    run: Any, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "1")
    for arguments in (["GET", "/"], ["GET", "/", "--json"], ["GET", "x"], ["GET", "/", "-H", "x"]):
        _, out, err = run(*arguments)
        assert "\x1b" not in out + err


SOME = st.sampled_from
REQUESTS = st.tuples(
    SOME(["GET", "POST", "DELETE"]),
    SOME(["/", "/login", "/images", "/images/7", "/images/1001", "/images/x", "/IMAGES", "/drawn"]),
    st.lists(
        SOME(
            [
                "X-Figueira-Test: 1",
                "X-Forwarded-For: 203.0.113.9",
                "X-Forwarded-For: 192.0.2.1, 10.9.9.9",
                "X-Forwarded-Proto: https",
                "X-Customer-Id: 42",
                "X-Customer-Id: 43",
                "Connection: X-Customer-Id",
            ]
        ),
        max_size=4,
    ),
    SOME(["127.0.0.1", "10.0.0.1", "192.0.2.1", "203.0.113.9", "2001:db8::1"]),
)


@given(REQUESTS)
def test_the_running_gateway_decides_the_same(
    request_: tuple[str, str, list[str], str],
) -> None:
    """For the same request from the same address: route, backend, reason, bucket."""
    method, target, headers, peer = request_
    question = Question(
        method=method, target=target, headers=tuple(headers), client_ip=peer, draw=0.5
    )
    told = answer(understand(question, SNAPSHOT), 0.5)
    gateway = Gateway(SNAPSHOT, 1, AccessLog(None), lambda: 0.0)
    lines = [tuple(part.strip().encode() for part in line.split(":", 1)) for line in headers]
    inbound = read_request(
        method.encode(),
        target.encode(),
        "1.1",
        [*cast("list[tuple[bytes, bytes]]", lines), (b"Host", b"localhost")],
        gateway.names,
    )
    exchange = Exchange(gateway, cast("Any", None), inbound, Peer(peer))
    admitted = gateway.admit(exchange)
    decision = exchange.decision
    assert not isinstance(admitted, Reply)
    assert decision is not None
    assert (told.route, told.reason) == (decision.route.name, decision.reason)
    if told.reason != "draw":
        assert (told.backend, told.bucket) == (decision.backend, decision.bucket)
    assert told.client_ip == inbound.client_ip
