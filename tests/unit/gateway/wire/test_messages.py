"""The plain types carry data, and share none of it."""

from __future__ import annotations

from gateway.wire.messages import RequestHead


def test_a_head_without_anything_but_its_line_has_neither_query_nor_fields_nor_customer() -> None:
    head = RequestHead(b"GET", b"/")
    assert (head.query, head.named, head.client_ip) == (b"", {}, "")


def test_two_heads_never_share_their_fields() -> None:
    one, other = RequestHead(b"GET", b"/"), RequestHead(b"GET", b"/")
    one.named[b"cookie"] = b"customer=7"
    assert other.named == {}
