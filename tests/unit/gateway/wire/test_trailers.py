"""Which fields may come behind a body."""

from __future__ import annotations

import pytest

from gateway.wire.fields import Names
from gateway.wire.trailers import kept_trailers


def test_what_is_only_known_at_the_end_crosses_trimmed() -> None:
    kept = kept_trailers([(b"X-Checksum", b"\t9a "), (b"Server-Timing", b"db;dur=1")])
    assert kept == [(b"X-Checksum", b"9a"), (b"Server-Timing", b"db;dur=1")]


@pytest.mark.parametrize(
    "name",
    [
        *(b"Content-Length", b"transfer-encoding", b"Host", b"X-Forwarded-For", b"X-Figueira-A"),
        *(b"Authorization", b"COOKIE", b"set-cookie", b"Content-Type", b"Content-Encoding"),
        *(b"Content-Range", b"Cache-Control", b"If-Match", b"Location", b"X_Forwarded_For"),
    ],
)
def test_what_has_to_be_known_before_does_not_cross(name: bytes) -> None:
    """RFC 9110, section 6.5.1: whoever merges trailers into the head would believe it."""
    assert kept_trailers([(name, b"x")]) == []


def test_what_routing_reads_does_not_cross() -> None:
    names = Names({b"x-customer-id"})
    assert kept_trailers([(b"X-Customer-Id", b"7"), (b"A", b"b")], names) == [(b"A", b"b")]
