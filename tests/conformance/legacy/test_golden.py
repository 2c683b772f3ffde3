"""The product module answers as the original did, byte for byte.

``golden.jsonl`` holds the original's answers on three set-ups, recorded over a raw socket. Both
profiles are compared, ``flask31`` and ``flask22``; the third, with debug on, is not kept. The rows
of a set-up are one sequence from an empty database.

Not compared: Date, Server, Connection, the case of header names, the reason phrase, and the order
inside Allow (a set in the original).
"""

from __future__ import annotations

import base64
import json
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conformance.legacy.process import running

pytestmark = pytest.mark.e2e

NOT_COMPARED = {"date", "server", "connection"}
GOLDEN = Path(__file__).with_name("golden.jsonl")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is compared of an answer."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One recorded request, as the bytes of the wire, and the original's answer."""

    profile: str
    id: str
    request: bytes
    answer: Answer


def _body(recorded: Mapping[str, str] | None) -> bytes:
    if recorded is None:
        return b""
    if "base64" in recorded:
        return base64.b64decode(recorded["base64"])
    return recorded["text"].encode()


def _comparable(name: str, value: str) -> tuple[str, str]:
    name = name.lower()
    return name, ", ".join(sorted(value.split(", "))) if name == "allow" else value


def _row(line: str) -> Row | None:
    """Read one line of the recording; None when debug was on."""
    recorded = json.loads(line)
    if recorded["debug"]:
        return None
    request, response = recorded["request"], recorded["response"]
    version = "HTTP/1.0" if recorded["id"] == "get-http10" else "HTTP/1.1"
    head = [f"{request['method']} {request['target']} {version}"]
    head += [f"{name}: {value}" for name, value in request["headers"]]
    body = _body(request["body"])
    if request["chunked"]:
        middle = len(body) // 2
        parts = (body[:middle], body[middle:], b"")
        body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
    return Row(
        profile=recorded["stack"],
        id=recorded["id"],
        request="\r\n".join([*head, "", ""]).encode() + body,
        answer=Answer(
            status=response["status"],
            headers=[
                _comparable(name, value)
                for name, value in response["headers"]
                if name.lower() not in NOT_COMPARED
            ],
            body=_body(response["body"]),
        ),
    )


def parse(answer: bytes) -> Answer:
    """Read an answer as it came over the wire."""
    head, _, body = answer.partition(b"\r\n\r\n")
    status_line, *lines = head.decode("latin-1").split("\r\n")
    headers = [_comparable(*line.split(": ", 1)) for line in lines]
    return Answer(
        status=int(status_line.split(" ")[1]),
        headers=[header for header in headers if header[0] not in NOT_COMPARED],
        body=body,
    )


ROWS = [row for row in map(_row, GOLDEN.read_text().splitlines()) if row is not None]


PROFILES = ("flask31", "flask22")


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Answer]:
    """The monolith's answers to each recording, played in order, by profile and row id."""
    played: dict[tuple[str, str], Answer] = {}
    for profile in PROFILES:
        folder = tmp_path_factory.mktemp(profile)
        with running(folder, LEGACY_PROFILE=profile) as monolith:
            for row in ROWS:
                if row.profile == profile:
                    played[profile, row.id] = parse(monolith.exchange(row.request))
            assert monolith.stop(signal.SIGTERM) == 0
    return played


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.profile} {row.id}")
def test_the_answer_is_the_recorded_one(
    row: Row, answers: Mapping[tuple[str, str], Answer]
) -> None:
    """Status, headers in order and body are those of the original."""
    assert answers[row.profile, row.id] == row.answer


def test_the_whole_recording_is_replayed() -> None:
    """No row is lost on the way, and the profiles differ in the four rows that are documented."""
    recorded = {(row.profile, row.id): row for row in ROWS}
    ids = {row.id for row in ROWS}
    assert len(ROWS) == len(recorded) == 2 * len(ids) == 186
    differing = {
        each for each in ids if recorded["flask31", each].answer != recorded["flask22", each].answer
    }
    assert differing == {"create-no-ct", "create-text", "create-form", "update-no-ct"}
