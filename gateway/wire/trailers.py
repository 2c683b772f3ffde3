"""Fields behind a chunked body (RFC 9110, section 6.5; RFC 9112, section 7.1.2)."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.wire.fields import PLAIN, Names
from gateway.wire.messages import Header

_OF_HEADS = frozenset(
    {
        *(b"authorization", b"cookie", b"set-cookie", b"www-authenticate"),
        *(b"cache-control", b"content-encoding", b"content-range", b"content-type", b"date"),
        *(b"age", b"expires", b"if-match", b"if-none-match", b"if-range", b"location", b"range"),
        *(b"if-modified-since", b"if-unmodified-since", b"retry-after", b"vary"),
    }
)
"""What says who somebody is, what a body is, or what to do with a message, has to be known before
the body comes (RFC 9110, section 6.5.1)."""


def kept_trailers(fields: Sequence[Header], names: Names = PLAIN) -> list[Header]:
    """Of the fields that came behind a body, those that may be passed on.

    What frames, routes, or says who somebody is has no business there (RFC 9110, section 6.5.1):
    whoever merges trailers into the head would believe it.

    Args:
        fields: As they came.
        names: What is known of each name, and which routing reads.
    """
    return [
        (name, value.strip(b" \t"))
        for name, value in fields
        if names[name] is None and name.lower() not in _OF_HEADS
    ]


def write_last_chunk(trailers: Sequence[Header]) -> bytes:
    """The end of a chunked body."""
    fields = b"".join(b"%b: %b\r\n" % line for line in trailers)
    return b"0\r\n%b\r\n" % fields
