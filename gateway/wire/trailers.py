"""Fields behind a chunked body (RFC 9110, section 6.5; RFC 9112, section 7.1.2)."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.wire.fields import PLAIN
from gateway.wire.messages import Header


def kept_trailers(fields: Sequence[Header]) -> list[Header]:
    """Of the fields that came behind a body, those that may be passed on.

    What frames, routes, or says who somebody is has no business there (RFC 9110, section 6.5.1):
    whoever merges trailers into the head would believe it.
    """
    return [(name, value.strip(b" \t")) for name, value in fields if PLAIN[name] is None]


def write_last_chunk(trailers: Sequence[Header]) -> bytes:
    """The end of a chunked body."""
    fields = b"".join(b"%b: %b\r\n" % line for line in trailers)
    return b"0\r\n%b\r\n" % fields
