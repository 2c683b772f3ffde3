"""What an access line says of a request that went wrong, or of where one went."""

from __future__ import annotations

import json

import pytest

from gateway.config import load
from tests.conformance.doors.origin import Origin
from tests.conformance.doors.stage import Stage

_GET = b"GET /a/b?token=secret HTTP/1.1\r\nHost: shop.test\r\n\r\n"
_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        (b"garbage", "bytes before the status line"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            "Content-Length",
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            "transfer coding b'gzip",
        ),
        (
            b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
            "a head of 1 fields, 70005 bytes",
        ),
        (b"HTTP/1.1 200 OK\nContent-Length: 0\n\n", "expected CR"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 300 + b"x\r\n\r\n", ""),
    ],
    ids=["garbage", "two-lengths", "coding", "long-head", "bare-lf", "hostile-length"],
)
async def test_why_an_answer_was_refused_is_told(
    stage: Stage, origin: Origin, answer: bytes, detail: str
) -> None:
    """In few words, however long what came was."""
    customer = await stage.ask(_GET)
    backend = await origin.accept()
    await backend.head()
    await backend.send(answer)
    assert (await customer.read_until(b"\r\n")) == b"HTTP/1.1 502 Bad Gateway\r\n"
    line = stage.line()
    assert line["error"] == "read_head:protocol:upstream"
    assert detail in line["detail"]
    assert 0 < len(line["detail"]) <= 200
    assert line["upstream"] == f"127.0.0.1:{origin.port}"


async def test_a_flip_takes_nothing_from_the_lines_of_what_is_over(
    stage: Stage, origin: Origin
) -> None:
    """They may not be written yet; without what is sticky, nobody could decide them again."""
    routes = f"""
version: 1
backends: {{legacy: {{url: "http://127.0.0.1:{origin.port}"}}, new: {{url: "http://127.0.0.1:1"}}}}
routes:
  - {{name: r, match: {{path_prefix: /}}, split: {{legacy: rest, new: 0}}, sticky: [{{header: X}}]}}
"""
    stage.gateway.install(load(routes.encode()), 2)
    customer = await stage.ask(b"GET / HTTP/1.1\r\nHost: shop.test\r\nX: 7\r\n\r\n")
    await (await origin.accept()).serve(_OK)
    await customer.answer()
    stage.gateway.install(load(routes.encode()), 3)
    line = stage.line()
    assert line["revision"] == 2
    assert line["sticky"]["header:x"]["bucket"] == line["bucket"]


async def test_who_refused_a_connection_is_told(stage: Stage, origin: Origin) -> None:
    origin.close()
    customer = await stage.ask(_GET)
    await customer.read_until(b"\r\n")
    line = stage.line()
    assert (line["error"], "upstream" in line) == ("connect:refused:upstream", False)
    assert f"127.0.0.1:{origin.port}: " in line["detail"]


async def test_how_long_a_backend_was_waited_for_is_told(stage: Stage, origin: Origin) -> None:
    customer = await stage.ask(_GET)
    await (await origin.accept()).head()
    stage.pass_time(61)
    await customer.read_until(b"\r\n")
    line = stage.line()
    assert (line["status"], line["detail"]) == (504, "no answer in 60 s")


@pytest.mark.parametrize(
    ("request_", "status", "path", "detail"),
    [
        (
            b"GET /a?token=secret HTTP/1.1\r\nHost: shop\r\nX : y\r\n\r\n",
            400,
            "/a",
            "The request is not well-formed HTTP/1.1. (Invalid header token)",
        ),
        (b"GET /a?token=secret HTTP/1.1\r\nX: y\r\n\r\n", 400, "/a", "Host"),
        (b"BREW /a HTTP/1.1\r\nHost: shop\r\n\r\n", 501, "", "This method is not supported."),
        (b"GET /a%2 HTTP/1.1\r\nHost: shop\r\n\r\n", 400, "/a%2", "path"),
        (b"GET http://me:secret@shop/a HTTP/1.1\r\nHost: shop\r\n\r\n", 400, "/a", ""),
        (
            b"GET /a HTTP/1.1\r\nHost: shop\r\nX: " + b"x" * 90_000 + b"\r\n\r\n",
            431,
            "/a",
            "The request has a head of more than 65536 bytes.",
        ),
    ],
    ids=["parser", "no-host", "method", "path", "credentials", "long-head"],
)
async def test_why_a_request_was_refused_is_told_and_which(
    stage: Stage, request_: bytes, status: int, path: str, detail: str
) -> None:
    customer = await stage.ask(request_)
    await customer.read_until(b"\r\n")
    line = stage.line()
    assert (line["status"], line["path"]) == (status, path)
    assert detail in line["detail"]
    assert "secret" not in json.dumps(line)


async def test_where_a_request_went_and_what_it_asked_for_is_told(
    stage: Stage, origin: Origin
) -> None:
    customer = await stage.ask(_GET)
    backend = await origin.accept()
    await backend.serve(_OK)
    await customer.read_until(b"\r\n\r\n")
    await customer.send(b"GET / HTTP/1.0\r\n\r\n")
    await backend.serve(_OK)
    await customer.read_until(b"\r\n\r\n")
    first, second = stage.lines(2)
    assert (first["host"], first["protocol"]) == ("shop.test", "HTTP/1.1")
    assert (second.get("host"), second["protocol"]) == (None, "HTTP/1.0")
    assert first["upstream"] == second["upstream"] == f"127.0.0.1:{origin.port}"
    assert "detail" not in first


@pytest.mark.parametrize(
    ("accept", "request_"),
    [
        pytest.param(b"text/html", b"GET / HTTP/1.1\r\nHost: a\r\n", id="page"),
        pytest.param(b"*/*", b"GET / HTTP/1.1\r\nHost: a\r\n", id="json"),
        pytest.param(b"*/*", b"GET / HTTP/1.1\r\n", id="refused"),
    ],
)
async def test_a_customer_is_told_the_id_by_which_its_line_is_found(
    stage: Stage, origin: Origin, accept: bytes, request_: bytes
) -> None:
    """It is what they can give to whoever looks into the log."""
    origin.close()
    customer = await stage.ask(request_ + b"Accept: %b\r\nConnection: close\r\n\r\n" % accept)
    body = (await customer.read_to_end()).data.partition(b"\r\n\r\n")[2].decode()
    trace_id = stage.line()["trace_id"]
    assert len(trace_id) == 32
    if accept == b"text/html":
        assert f"<p><small>502 · {trace_id}</small></p>" in body
    else:
        assert json.loads(body)["trace_id"] == trace_id
