"""An access line is one JSON object that says only what applies."""

from __future__ import annotations

import json

import pytest

from gateway.telemetry.access_line import (
    AccessLine,
    ClockText,
    Hidden,
    Noted,
    Told,
    encode_lines,
    encode_part,
)

_CLOCK_TEXT = ClockText()

_LEAST = AccessLine(
    time="2026-11-23T14:32:00.000Z",
    method="GET",
    path="/images/7",
    status=200,
    duration_ms=1.25,
)


def test_what_does_not_apply_is_left_out() -> None:
    assert json.loads(encode_lines([_LEAST])) == {
        "time": "2026-11-23T14:32:00.000Z",
        "method": "GET",
        "path": "/images/7",
        "status": 200,
        "duration_ms": 1.25,
    }


def test_what_applies_is_there_under_its_name() -> None:
    headers: Told = {"x-beta": "on"}
    fields = {
        "time": "t",
        "method": "POST",
        "path": "/images",
        "status": 502,
        "duration_ms": 3.5,
        "client": "203.0.113.9",
        "route": "images",
        "backend": "legacy",
        "reason": "sticky",
        "bucket": 81_451,
        "revision": 7,
        "bytes_in": 3,
        "bytes_out": 5,
        "first_byte_ms": 2.0,
        "attempts": 2,
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "error": "connect:refused:upstream",
        "detail": "127.0.0.1:8001: Connection refused",
        "upstream": "127.0.0.1:8001",
        "host": "shop.test",
        "protocol": "HTTP/1.1",
        "counts_as": 404,
        "instead_of": "image_service",
        "because": "status:503",
        "also_asked": "image_service",
        "query": {"v": "2", "code": Hidden("c0de"), "page": None},
        "sticky": encode_part({"header:x-a": Noted(7, "t0ken"), "client_ip": None}),
        "headers": encode_part(headers),
    }
    line = AccessLine(**fields)  # type: ignore[arg-type]  # one value of each field's own type
    assert set(fields) == set(AccessLine.__struct_fields__)
    assert json.loads(encode_lines([line])) == fields | {
        "query": {"v": "2", "code": {"token": "c0de"}, "page": None},
        "sticky": {"header:x-a": {"bucket": 7, "token": "t0ken"}, "client_ip": None},
        "headers": headers,
    }


def test_bucket_zero_and_an_answer_at_once_are_said() -> None:
    line = AccessLine(
        time="t", method="GET", path="/", status=200, duration_ms=0.0, bucket=0, first_byte_ms=0.0
    )
    written = json.loads(encode_lines([line]))
    assert (written["bucket"], written["first_byte_ms"], written["duration_ms"]) == (0, 0, 0)


def test_each_line_ends_with_its_own_newline() -> None:
    written = encode_lines([_LEAST, _LEAST])
    assert written.endswith(b"\n")
    assert written.count(b"\n") == 2
    assert encode_lines([]) == b""


def test_a_hostile_path_cannot_begin_a_line_of_its_own() -> None:
    path = b'/\r\n{"status":200}\x00\xff\xe2\x80\xa8"'.decode("latin-1")
    line = AccessLine(time="t", method="GET", path=path, status=400, duration_ms=0.1)
    written = encode_lines([line])
    assert written.count(b"\n") == 1
    assert b"\r" not in written
    assert json.loads(written)["path"] == path


@pytest.mark.parametrize(
    ("wall_s", "expected"),
    [
        pytest.param(0.0, "1970-01-01T00:00:00.000Z", id="the first moment"),
        pytest.param(1_000_000_000.9996, "2001-09-09T01:46:40.999Z", id="cut, never rounded up"),
        pytest.param(1_000_000_000.25, "2001-09-09T01:46:40.250Z", id="the same second again"),
        pytest.param(999_999_999.0, "2001-09-09T01:46:39.000Z", id="a clock set back"),
    ],
)
def test_moments_are_rfc_3339(wall_s: float, expected: str) -> None:
    assert _CLOCK_TEXT.write(wall_s) == expected
