"""What is no JSON, at every door of the real process: refused in words, never with a traceback."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import httpx
import pytest

from tests.support.processes import Process, environment, running

_JSON = {"Content-Type": "application/json"}
_PREFER = _JSON | {"Prefer": "respond-async"}
_ENDLESS = 200_000
_BODIES = {
    "nothing": b"",
    "half": b'{"prompt": "x"',
    "lists without end": b"[" * _ENDLESS,
    "objects without end": b'{"prompt":' * (_ENDLESS // 2),
    "a bomb beside the prompt": b'{"prompt": "x", "y": ' + b"[" * _ENDLESS,
    "a closed bomb": b'{"prompt": "x", "y": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "endless digits": b'{"prompt": "x", "n": ' + b"9" * 500_000 + b"}",
    "half a letter": b'{"prompt": "\\ud800"}',
    "half a letter in a name": b'{"prompt": "x", "\\udfff": 1}',
    "half a letter in bytes": b'{"prompt": "\xed\xa0\x80"}',
    "no number": b'{"prompt": "x", "product_id": NaN}',
    "no end": b'{"prompt": "x", "n": -Infinity}',
    "a name twice": b'{"prompt": "x", "prompt": "y"}',
    "latin-1": '{"prompt": "ã"}'.encode("latin-1"),
    "compressed": b"\x1f\x8b\x08\x00\x00",
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Process, str]]:
    """A service that paints by itself, and its address."""
    folder = tmp_path_factory.mktemp("service")
    command = [sys.executable, "-m", "image_service", "--port", "0"]
    settings = {
        "IMAGE_DATABASE_URL": f"sqlite+aiosqlite:///{folder}/images.db",
        "IMAGE_BLOB_URL": f"{folder}/blobs",
        "IMAGE_PROVIDER": "procedural",
    }
    with running(command, folder=folder, environ=environment(**settings)) as process:
        line = process.wait_for_line(r"image_service: listening on (http://[0-9.:]+) .*")
        yield process, line[1]


@pytest.mark.parametrize("name", _BODIES)
def test_who_knows_of_jobs_is_told_in_a_problem(service: tuple[Process, str], name: str) -> None:
    process, url = service
    answer = httpx.post(f"{url}/images", content=_BODIES[name], headers=_PREFER)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["code"], problem["retryable"]) == ("invalid-json", False)
    assert problem["detail"]
    assert not [line for line in process.stderr if "Traceback" in line]


@pytest.mark.parametrize("name", _BODIES)
@pytest.mark.parametrize("path", ["/v1/images/generations", "/v1/images/generations?x=1"])
def test_an_openai_client_is_told_in_openais_shape(
    service: tuple[Process, str], name: str, path: str
) -> None:
    process, url = service
    answer = httpx.post(f"{url}{path}", content=_BODIES[name], headers=_JSON)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_json"
    assert not [line for line in process.stderr if "Traceback" in line]


@pytest.mark.parametrize("name", _BODIES)
def test_the_monoliths_customer_gets_the_monoliths_answer(
    service: tuple[Process, str], name: str
) -> None:
    """Some of it is an order there; what breaks the monolith is its page, and no traceback here."""
    process, url = service
    answer = httpx.post(f"{url}/images", content=_BODIES[name], headers=_JSON, timeout=30)
    kind = answer.headers["content-type"]
    assert (answer.status_code, kind.partition(";")[0]) in {
        (200, "application/json"),
        (400, "text/html"),
        (500, "text/html"),
    }
    assert not [line for line in process.stderr if "Traceback" in line]


def test_a_job_takes_no_body_and_does_not_look_at_one(service: tuple[Process, str]) -> None:
    process, url = service
    order = httpx.post(
        f"{url}/images", json={"prompt": "x", "size": "256x256"}, headers={"Prefer": "wait=30"}
    )
    assert order.status_code == 200
    for body in _BODIES.values():
        answer = httpx.post(f"{url}/images/jobs/x/cancel", content=body, headers=_JSON)
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    assert not [line for line in process.stderr if "Traceback" in line]


@pytest.mark.parametrize(
    ("content", "content_type", "code", "status"),
    [
        (b"{}", "text/plain", "not-json-type", 415),
        (b" " * (1024 * 1024 + 1), "application/json", "too-large", 413),
    ],
)
def test_a_body_of_another_kind_is_a_problem_too(
    service: tuple[Process, str], content: bytes, content_type: str, code: str, status: int
) -> None:
    headers = _PREFER | {"Content-Type": content_type}
    answer = httpx.post(f"{service[1]}/images", content=content, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
